"""What decides a result: an edit of each module makes again what it must, and a comment nothing."""

import importlib.util
import json
from fnmatch import fnmatch
from pathlib import Path

import pytest

from hallmarks.runs.acceptance import accept, accepted
from hallmarks.runs.identity import Identity, changes
from hallmarks.runs.sources import closure, code_of_notebook, file_of, meaning

ALL_AFTER_KERNELS = {"kernels": 33, "measures": 33, "figures": 46, "tables": 1}
ALL = {"runs": 33} | ALL_AFTER_KERNELS
STUDY = {"studies": 1, "tables": 1}

# What a changed constant makes again of the finished workflow at smoke scale, by module; the first that fits.
MADE_AGAIN = {
    "kernel/progress.py": {},
    "models/__init__.py": ALL | {"studies": 1, "tables": 2},
    "models/resnet20/*": {"runs": 13, "kernels": 13, "measures": 13, "figures": 20, "tables": 1},
    "models/vgg16/*": {"runs": 20, "kernels": 20, "measures": 20, "figures": 26, "tables": 1},
    "models/resnet50/*": STUDY,
    "studies/*": STUDY,
    "data/__init__.py": ALL | {"studies": 1, "tables": 2},
    "data/shape.py": ALL | {"studies": 1, "tables": 2},
    **dict.fromkeys(
        [
            *(f"data/{name}.py" for name in ["batches", "contents", "draws", "images", "prepared"]),
            *("data/sets/__init__.py", "data/sets/digits.py", "objectives/*", "optimizers/*"),
            *("schedules/__init__.py", "schedules/drops.py"),
            *(f"training/{name}.py" for name in ["__init__", "loop", "setup", "start", "timeline"]),
        ],
        ALL,
    ),
    "trajectory/store.py": {},  # writes what the loop gives it
    "trajectory/formats/shards.py": {},  # other people's checkpoints
    "trajectory/formats/torch_zip.py": {},
    "trajectory/*": ALL_AFTER_KERNELS,
    "kernel/*": ALL_AFTER_KERNELS,
    "measures/derived/*": {"tables": 1},
    "measures/phases.py": {"tables": 1},
    "measures/file.py": {"figures": 46, "tables": 1},
    "measures/*": {"measures": 33, "figures": 46, "tables": 1},
    "figures/maps.py": {"figures": 19},
    **dict.fromkeys(["figures/angles.py", "figures/norms.py", "figures/spectra.py"], {"figures": 8}),
    **dict.fromkeys(["figures/hallmarks.py", "figures/saturation.py", "figures/coarser.py"], {"figures": 1}),
    "figures/curves.py": {"figures": 27},
    "figures/*": {"figures": 46},
    "claims/*": {"tables": 1},
    "page.py": {"tables": 2},
    "settings.py": {"figures": 46, "tables": 2},
}


@pytest.fixture(scope="module")
def edits(project) -> dict[str, dict[str, dict[str, int]]]:
    """For each module, what each kind of edit makes again."""
    done = project.run("python", str(Path(__file__).with_name("edits.py")), "config/smoke.yaml")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_is_made_again_without_an_edit(edits):
    assert edits[""] == {"nothing": {}}


def test_a_comment_in_any_module_makes_nothing_again(edits):
    assert {module: made["comment"] for module, made in edits.items() if made.get("comment")} == {}


def test_a_constant_in_a_module_makes_again_what_it_decides(edits):
    found = {module: made["constant"] for module, made in edits.items() if module}
    patterns = {module: next((p for p in MADE_AGAIN if fnmatch(module, p)), None) for module in found}
    assert found == {module: MADE_AGAIN.get(pattern, {}) for module, pattern in patterns.items()}
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
        made = edits[module]["constant"]
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
    assert made.key != now.key and changes(None, now) == ["made before identities were kept"]


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
