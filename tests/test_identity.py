"""What decides a result: an edit of each module makes again what it must, and a comment nothing."""

import importlib.util
import json
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import pytest

from hallmarks.config.load import overlay, read_yaml
from hallmarks.runs.acceptance import accept, accepted
from hallmarks.runs.identity import Identity, changes, leaves
from hallmarks.runs.sources import closure, code_of_notebook, file_of, meaning
from hallmarks.workflow.paper import open_paper
from hallmarks.workflow.results import Result, Results
from hallmarks.workflow.targets import behind, results_behind
from smoke import ROOT, one_of_each_kind

PAPER = open_paper(
    overlay(*(one_of_each_kind(read_yaml(ROOT / name)) for name in ("config.yaml", "config/smoke.yaml"))), []
)
RESULTS = Results(PAPER, ROOT)
ALL = results_behind(RESULTS, ["all"])


def of(kind: str, *names: str) -> set[Result]:
    """All results of a kind, or those of these names."""
    return {result for result in ALL if result.kind == kind and (not names or result.name in names)}


def trained_with(name: str) -> set[Result]:
    """The runs whose settings name an origin, a model, an optimizer, …"""
    settings = {key: dict(leaves(run.settings.resolved())) for key, run in PAPER.runs.items()}
    return {Result("runs", key) for key, values in settings.items() if name in values.values()}


def drawn_by(*notebooks: str) -> set[Result]:
    """The figures, and the tables of runs, of these notebooks."""
    shown = [each for each in of("figures") | of("tables") if each.name in PAPER.shown]
    return {result for result in shown if PAPER.figure(result.name).notebook in notebooks}


def resting_on(made: set[Result]) -> set[Result]:
    """These results, and all that is made of them."""
    return {result for result in ALL if behind(RESULTS, {result}) & made}


TRAINED, DIGITS = trained_with("trained"), trained_with("digits") | of("studies", "width")
TEXTS = trained_with("python-library")
INITIALISED = TRAINED | of("studies", "random-init")
SCHEMATICS = drawn_by("two-trajectories", "weight-decay", "hallmarks")
BRANCHED = trained_with("branched")
LOGGED = drawn_by("bn-only", "bn-only-table")
PAGES, CLAIMS = of("tables"), of("tables", "claims")
CURVES = ["angles", "norms", "spectra", "hallmarks", "saturation", "coarser"]
OF_KERNELS = drawn_by("layers", "depth", "scale")  # measures that are not in the tables

# What a changed constant makes again of the finished workflow at smoke scale, by module; the first that fits.
# What is made of these results follows.
MADE_AGAIN = {
    "kernel/progress.py": set(),
    "models/__init__.py": INITIALISED,
    "models/resnet50/*": of("studies", "random-init"),
    **{f"models/{name}/*": trained_with(name) for name in ["resnet20", "vgg16", "vit"]},
    "models/gpt_neox/*": trained_with("gpt-neox"),
    **{f"optimizers/{name}*": trained_with(name) for name in ["sgd", "sam"]},
    "optimizers/adamw.py": trained_with("adamw") | trained_with("clipped-adamw"),
    "optimizers/clipped_adamw/*": trained_with("clipped-adamw"),
    # Settings, and what is called.
    **dict.fromkeys([f"origins/{name}.py" for name in ["branched", "fetched", "trained"]], set()),
    "origins/*": trained_with("simulated"),
    "studies/__init__.py": of("studies"),
    "studies/width.py": of("studies", "width"),
    "studies/curvature/*": of("studies", "curvature"),
    "studies/lemma_1.py": of("studies", "lemma-1"),
    "studies/initialisations.py": of("studies", "random-init"),
    "data/__init__.py": DIGITS | INITIALISED,
    "data/shape.py": DIGITS | of("studies", "random-init"),
    **dict.fromkeys([f"data/{name}.py" for name in ["contents", "draws", "prepared"]], DIGITS | TEXTS),
    "data/sets/__init__.py": DIGITS | TEXTS,
    **dict.fromkeys(["data/batches.py", "data/images.py", "data/sets/digits.py"], DIGITS),
    **dict.fromkeys(["data/tokens.py", "data/sets/python_library.py"], TEXTS),
    **dict.fromkeys([f"{room}/__init__.py" for room in ["objectives", "optimizers", "schedules"]], TRAINED),
    "objectives/classification.py": trained_with("classification"),
    "objectives/language_modelling.py": trained_with("language-modelling"),
    **{f"schedules/{name.replace('-', '_')}.py": trained_with(name) for name in ["drops", "warm-up-cosine"]},
    **dict.fromkeys(
        [f"training/{name}.py" for name in ["__init__", "loop", "precision", "setup", "start", "timeline"]],
        TRAINED,
    ),
    "training/entries.py": TRAINED,
    **dict.fromkeys(
        [f"training/{name}.py" for name in ["branch", "frozen", "kinds", "span", "statistics", "trainable"]],
        BRANCHED,
    ),
    "trajectory/__init__.py": trained_with("simulated")
    | of("kernels")
    | SCHEMATICS
    | LOGGED
    | of("studies", "curvature"),
    "trajectory/log.py": LOGGED | CLAIMS,
    "trajectory/heavy_ball.py": trained_with("simulated") | SCHEMATICS,
    "trajectory/store.py": trained_with("simulated"),  # writes what a loop gives it
    **dict.fromkeys(
        [f"trajectory/{name}.py" for name in ["compare", "reader", "tensor"]],
        trained_with("simulated") | of("kernels") | LOGGED | CLAIMS | of("studies", "curvature"),
    ),
    # Other people's checkpoints.
    **dict.fromkeys([f"trajectory/formats/{name}.py" for name in ["dcp", "npz", "shards", "torch_*"]], set()),
    **dict.fromkeys(["trajectory/others/*", "trajectory/pickles/*", "trajectory/hub/*"], set()),
    # The bytes of points, and the kernel of those that are far away.
    **dict.fromkeys(["trajectory/transport/*", "trajectory/bands.py"], set()),
    **dict.fromkeys(
        ["kernel/partial.py", "kernel/repeated.py", "kernel/streamed.py", "kernel/sums.py"], set()
    ),
    "kernel/resolution.py": set(),
    "kernel/stillness.py": set(),
    "trajectory/*": of("kernels"),
    **dict.fromkeys(
        ["kernel/__init__.py", "kernel/file.py"], of("kernels") | SCHEMATICS | LOGGED | drawn_by("width")
    ),
    "kernel/*": of("kernels"),
    **dict.fromkeys(["measures/derived/*", "measures/phases.py", "measures/logged.py"], CLAIMS),
    "measures/file.py": of("figures") | LOGGED | CLAIMS,
    "measures/__init__.py": of("measures") | SCHEMATICS | LOGGED | drawn_by("width") | OF_KERNELS,
    "measures/angles.py": of("measures") | SCHEMATICS | drawn_by("scale"),
    "measures/points.py": SCHEMATICS,
    **dict.fromkeys(["measures/gram.py", "measures/maps.py"], of("measures") | OF_KERNELS),
    "measures/layers.py": drawn_by("layers", "depth") | CLAIMS,
    "measures/steps.py": of("measures") | of("figures") | LOGGED,
    "measures/*": of("measures"),
    "figures/maps.py": drawn_by("maps", "layers"),
    "figures/bn_only.py": LOGGED,
    "figures/curves.py": drawn_by(*CURVES, "oscillations", "sign-change", "width", "depth", "scale"),
    "figures/spacing.py": set(),  # of the laptop's figures alone
    "figures/own_map.py": set(),
    "figures/schematic.py": SCHEMATICS,
    **{
        f"figures/{name.replace('-', '_')}.py": drawn_by(name)
        for name in [*CURVES, "depth", "layers", "scale"]
    },
    **{
        f"figures/{name.replace('-', '_')}.py": drawn_by(name)
        for name in ["oscillations", "sign-change", "two-trajectories", "weight-decay", "width"]
    },
    "figures/by_window.py": drawn_by("oscillations") | of("tables", "curvature"),
    "figures/__init__.py": of("figures") | LOGGED | of("tables", "curvature"),
    "figures/*": of("figures") | LOGGED,
    "claims/*": CLAIMS,
    "page.py": PAGES,
    "settings.py": of("figures") | PAGES,
}


@pytest.fixture(scope="module")
def edits(project) -> dict[str, dict[str, list[str]]]:
    """For each module, what each kind of edit makes again."""
    done = project.run("python", str(Path(__file__).with_name("edits.py")), "config/smoke.yaml")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_is_made_again_without_an_edit(edits):
    assert edits[""] == {"nothing": []}


def test_a_comment_in_any_module_makes_nothing_again(edits):
    assert {module: made["comment"] for module, made in edits.items() if made.get("comment")} == {}


def test_a_constant_in_a_module_makes_again_what_it_decides(edits):
    found = {module: set(made["constant"]) for module, made in edits.items() if module}
    patterns = {module: next((p for p in MADE_AGAIN if fnmatch(module, p)), None) for module in found}
    other = {}
    for module, pattern in patterns.items():
        expected = {f"{each.kind}/{each.name}" for each in resting_on(MADE_AGAIN.get(pattern, set()))}
        if found[module] != expected:
            other[module] = {"not listed": found[module] - expected, "not made": expected - found[module]}
    assert not other, json.dumps(other, default=sorted, indent=1)
    assert set(patterns.values()) >= MADE_AGAIN.keys()  # no line of the table is of a module that is gone
    assert len(found) > 100


@pytest.mark.parametrize(
    "module", ["config/types.py", "models/vgg16/network.py", "figures/maps.py", "training/lease.py"]
)
def test_snakemake_plans_what_the_table_says(project, edits, module):
    path = project.folder / "src/hallmarks" / module
    before = path.read_text()
    rules = {"runs": "train", "kernels": "kernel", "measures": "measure", "figures": "figure"}
    rules |= {"tables": "table", "studies": "study"}
    try:
        path.write_text(before + "\n# a comment\n")
        assert project.planned() == {}
        path.write_text(before + "\nEDITED = 1\n")
        made = Counter(name.split("/")[0] for name in edits[module]["constant"])
        assert project.planned() == {rules[kind]: count for kind, count in made.items()}
    finally:
        path.write_text(before)


SOURCE = 'def f(x: int = 1) -> int:\n    """Doc."""\n    return x + 2  # comment\n'


@pytest.mark.parametrize(
    ("source", "same"),
    [
        ("def f(x: int=1)->int:\n\n    return (x+2)\n", True),
        ('"""Module."""\n' + SOURCE.replace("Doc.", "Other."), True),
        (SOURCE.replace("x + 2", "x - 2"), False),
        (SOURCE.replace("x + 2", "x + 2.0"), False),
        (SOURCE.replace("= 1", "= True"), False),
        (SOURCE.replace("x: int", "x: float"), False),
        (SOURCE.replace("return x + 2", "x + 2"), False),
        (SOURCE.replace("x", "y"), False),
    ],
)
def test_a_module_is_compared_by_meaning(source, same):
    assert (meaning(source) == meaning(SOURCE)) == same


RAISES = 'def f(x):\n    if x < 0:\n        raise UserError(f"{x}: negative")\n    return x\n'
DESCRIBES = "class A:\n    x = 1\n\n    def describe(self):\n        return f'{self.x} a'\n"


@pytest.mark.parametrize(
    ("source", "before", "after", "same"),
    [
        (RAISES, "negative", "below zero", True),
        (RAISES, 'UserError(f"{x}: negative")', 'ValueError("x")', False),
        (RAISES, "x < 0", "x < 1", False),
        (RAISES, "raise UserError", "return UserError", False),
        (DESCRIBES, "a'", "of a'", True),
        (DESCRIBES, "x = 1", "x = 2", False),
        (DESCRIBES, "def describe", "def area", False),
        # A function of that name may be anything.
        (DESCRIBES.replace("class A:", "if True:"), "a'", "of a'", False),
    ],
)
def test_wording_decides_nothing(source, before, after, same):
    assert before in source
    assert (meaning(source.replace(before, after)) == meaning(source)) == same


def test_a_string_below_a_field_only_describes():
    field = "class Settings:\n    width: int = 3\n"
    assert meaning(field + '    """Channels."""\n') == meaning(field)


def identity(settings=None, inputs=None, code=None, given=None) -> Identity:
    return Identity(settings or {}, inputs or {}, code or {}, given)


def test_changes_are_named():
    made = identity({"seed": 0, "recipe": {"length": 3}}, {"runs/a": "1"}, {"hallmarks.training.loop": "x"})
    assert changes(made, made) == []
    now = identity({"seed": 0, "recipe": {"length": 4}}, {"runs/a": "2"}, {"hallmarks.training.loop": "y"})
    assert changes(made, now) == [
        "recipe.length: 3 → 4",
        "runs/a is another",
        "training/loop.py changed",
    ]
    assert made.key != now.key and changes(None, now) == ["nothing beside it says what it was made by"]


def test_a_setting_that_came_later_changes_nothing_at_its_default():
    made = identity({"momentum": 0.9})
    assert changes(made, identity({"momentum": 0.9, "nesterov": False}, given={"momentum": 0.9})) == []
    given = {"momentum": 0.9, "nesterov": True}
    assert changes(made, identity(given, given=given)) == ["nesterov: null → true"]
    assert changes(made, identity(given | {"nesterov": None}, given=given | {"nesterov": None})) != []
    # A default that became another is a change, though nobody gave it.
    assert changes(identity({"factor": 0.1}), identity({"factor": 0.2}, given={})) == ["factor: 0.1 → 0.2"]


def test_an_acceptance_is_of_one_difference_and_outlives_a_later_setting_at_its_default(tmp_path):
    made, wanted = identity({"momentum": 0.9}), identity({"momentum": 0.5})
    accept(tmp_path / "accepted.json", made, wanted, "a typing mistake")
    later = identity({"momentum": 0.5, "nesterov": False}, given={"momentum": 0.5})
    assert accepted(tmp_path / "accepted.json", made, wanted)
    assert accepted(tmp_path / "accepted.json", made, later)
    assert not accepted(tmp_path / "accepted.json", made, identity({"momentum": 0.4}))
    assert not accepted(tmp_path / "accepted.json", later, wanted)
    assert not accepted(tmp_path / "accepted.json", None, wanted)


def test_a_result_that_does_not_say_what_made_it_is_accepted_as_the_file_that_it_is(tmp_path):
    path, file, wanted = tmp_path / "accepted.json", tmp_path / "kernel.npz", identity({"momentum": 0.5})
    file.write_text("one")
    accept(path, None, wanted, "nothing beside it says what it was made by", file)
    assert accepted(path, None, wanted, file)
    file.write_text("another")
    assert not accepted(path, None, wanted, file)


def test_an_identity_is_read_as_it_was_written(tmp_path):
    one = identity({"name": "ω", "at": [1, 2.5]}, {"runs/a": "1"}, {"hallmarks.kernel.gram": "x"})
    one.write(tmp_path / "identity.json")
    assert Identity.read(tmp_path / "identity.json") == one
    assert json.loads((tmp_path / "identity.json").read_text())["key"] == one.key
    (tmp_path / "identity.json").write_text("{}")
    assert Identity.read(tmp_path / "identity.json") is None is Identity.read(tmp_path / "none.json")


def test_measuring_uses_no_training_and_training_no_other_model():
    assert not any("training" in name or "figures" in name for name in closure(("hallmarks.measures.table",)))
    used = closure(("hallmarks.training.loop", "hallmarks.training.setup", "hallmarks.models.vgg16"))
    assert "hallmarks.models.vgg16.network" in used and "hallmarks.models.resnet20" not in used
    assert not {"hallmarks.errors", "hallmarks.training.log", "hallmarks.training.lease"} & set(used)


def test_a_notebook_uses_what_its_cells_import():
    used = code_of_notebook(Path(__file__).parents[1] / "notebooks/maps.ipynb")
    assert {"notebooks/maps.ipynb", "hallmarks.figures.maps", "hallmarks.figures.picture"} <= used.keys()
    assert "hallmarks.figures.angles" not in used


def test_a_module_is_found_beside_what_is_left_of_a_package(tmp_path, monkeypatch):
    spec = importlib.util.find_spec("hallmarks")
    monkeypatch.setattr(spec, "submodule_search_locations", [str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    (tmp_path / "models/lenet/__pycache__").mkdir(parents=True)  # git leaves it when a folder becomes a file
    (tmp_path / "models/lenet.py").touch()
    (tmp_path / "models/__init__.py").touch()
    assert file_of("hallmarks.models.lenet") == tmp_path / "models/lenet.py"
    assert file_of("hallmarks.models") == tmp_path / "models/__init__.py"
