"""The Hessian's top eigenpairs against a dense one in float64, and updates in them."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from hallmarks.commands.study import finished_runs
from hallmarks.config.load import check, load_configuration
from hallmarks.config.types import STUDIES, TASKS
from hallmarks.data.prepare import prepare
from hallmarks.errors import UserError
from hallmarks.objectives.classification import Settings as Classification
from hallmarks.runs.origin import Making
from hallmarks.runs.run import expand
from hallmarks.runs.study import FinishedRun
from hallmarks.studies.curvature.along import cosine, hessian_of, rows_of, share
from hallmarks.studies.curvature.hessian import Hessian
from hallmarks.studies.curvature.windows import windows_of
from hallmarks.trajectory.reader import Point, read_trajectory
from hallmarks.workflow.paper import Paper
from hallmarks.workflow.results import Result, Results
from smoke import BIN, ROOT

DECAY = 0.01


def network() -> nn.Module:
    """Convolution, BatchNorm, linear: 111 parameters, some in channels-last order."""
    torch.manual_seed(0)
    layers = nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 4)
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def batches() -> list:
    random = torch.Generator().manual_seed(1)
    return [
        (torch.randn(8, 2, 4, 4, generator=random), torch.randint(4, (8,), generator=random)) for _ in "ab"
    ]


def point_of(model: nn.Module) -> dict[str, np.ndarray]:
    return {name: p.detach().numpy().copy() for name, p in model.named_parameters()}


def dense(model: nn.Module) -> np.ndarray:
    """The Hessian of the mean over both batches, by torch's double backward in float64."""
    model = model.double().train()
    shapes = {name: p.shape for name, p in model.named_parameters()}

    def loss(theta: torch.Tensor) -> torch.Tensor:
        parts = theta.split([shape.numel() for shape in shapes.values()])
        named = {name: part.view(shapes[name]) for name, part in zip(shapes, parts, strict=True)}
        losses = []
        for x, y in batches():
            scores = torch.func.functional_call(model, named, (x.double(),))
            losses.append(nn.functional.cross_entropy(scores, y))
        return torch.stack(losses).mean() + DECAY / 2 * theta.square().sum()

    theta = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    return torch.autograd.functional.hessian(loss, theta).numpy()


@pytest.mark.parametrize(
    ("precision", "tolerance", "close"), [("float64", 1e-10, 1e-8), ("float32", 1e-4, 1e-3)]
)
def test_top_eigenpairs_are_those_of_a_dense_hessian(precision, tolerance, close):
    model, k = network(), 4
    hessian = Hessian(network(), Classification(), batches(), DECAY)
    start = np.random.default_rng(0).standard_normal(sum(p.numel() for p in model.parameters()))
    pairs = hessian.top(point_of(model), k, precision, tolerance, start)
    exact = dense(model)
    values, vectors = np.linalg.eigh(exact)
    values, vectors = values[::-1][:k], vectors[:, ::-1][:, :k]
    assert pairs.values == pytest.approx(values, rel=close)
    # The sines of the angles between the two subspaces.
    assert np.linalg.norm(pairs.vectors - vectors @ (vectors.T @ pairs.vectors), 2) < 10 * close
    residual = exact @ pairs.vectors[:, 0] - pairs.values[0] * pairs.vectors[:, 0]
    assert pairs.residual == pytest.approx(np.linalg.norm(residual) / values[0], abs=1e-9)
    assert abs(pairs.values[0] - values[0]) <= pairs.residual * values[0] + 1e-12


def test_other_parameters_are_refused():
    point = point_of(network())
    hessian = Hessian(network(), Classification(), batches())
    with pytest.raises(UserError, match="parameters are not the model's, 0.weight among them"):
        hessian.at(
            {("9.weight" if name == "0.weight" else name): array for name, array in point.items()}, "float32"
        )
    with pytest.raises(UserError, match="the shape of one"):
        hessian.at(point | {"0.weight": point["0.weight"][:1]}, "float32")


def test_products_that_are_no_numbers_and_too_many_eigenvalues_are_refused(monkeypatch):
    model = network()
    point, p = point_of(model), sum(each.numel() for each in model.parameters())
    hessian, start = Hessian(model, Classification(), batches()), np.ones(p)
    with pytest.raises(UserError, match=f"eigenvalues: {p} is not less than the {p} parameters"):
        hessian.top(point, p, "float64", 1e-3, start)
    with monkeypatch.context() as patched:
        patched.setattr(hessian, "product", lambda point, vector: vector * np.nan)
        with pytest.raises(UserError, match="residual is nan"):
            hessian.top(point, 2, "float64", 1e-3, start)
    with pytest.raises(UserError, match="products are not finite in float64"):
        hessian.top(point | {"4.bias": point["4.bias"] * np.nan}, 2, "float64", 1e-3, start)


def test_products_are_never_in_tf32(run):
    """PyTorch's own choice is TF32 for convolutions."""
    flags = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [each.allow_tf32 for each in flags]
    try:
        for each in flags:
            each.allow_tf32 = True
        hessian_of(STUDIES.validate(STUDY), run, torch.device("cpu"))
        assert not any(each.allow_tf32 for each in flags)
    finally:
        for each, allowed in zip(flags, before, strict=True):
            each.allow_tf32 = allowed


def test_shares_and_cosines():
    vectors, update = np.eye(5)[:, :2], np.array([3.0, 0, 4, 0, 0])
    assert share(vectors, update) == pytest.approx(9 / 25)
    assert cosine(vectors[:, 0], -update) == pytest.approx(-3 / 5)
    assert np.isnan(share(vectors, 0 * update)) and np.isnan(cosine(vectors[:, 0], 0 * update))


def test_windows_are_of_single_steps_and_of_one_learning_rate():
    def point(step: int, rate: float) -> Point:
        return Point("", step, 0.0, rate, 0, "")

    steps = [(0, 1), (1, 1), (2, 1), (9, 1), (18, 1), (19, 1), (20, 0.1), (21, 0.1), (22, 0.1), (27, 0.1)]
    assert windows_of([point(*each) for each in steps]) == [[0, 1, 2], [4, 5, 6], [6, 7, 8]]
    assert windows_of([point(0, 1)]) == []


TASK = {
    "data": {"name": "digits", "training_images": 96, "test_images": 32, "augment": ["crop"]},
    "model": {"name": "resnet20", "width": 1},
    "recipe": {
        "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.5, "weight_decay": 0.01},
        "batch_size": 32,
        "length": 3,
        "schedule": {"name": "drops", "at": [2]},
        "points": {"windows": [[1, 3], [4, 8]]},
    },
}
STUDY = {"study": "curvature", "title": "", "section": "", "experiment": "one"}
STUDY |= {"eigenvalues": 2, "every": 4, "batches": 1, "precision": "float32"}


def trained(folder: Path, task: dict, data: Path) -> Path:
    settings = TASKS.validate(task)
    settings.make(Making("a", 0, data, folder, lambda: torch.device("cpu"), lambda: False))
    return folder / "output" / "trajectory"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> FinishedRun:
    folder = tmp_path_factory.mktemp("run")
    prepare("digits", None, folder / "data")
    trajectory = trained(folder, TASK, folder / "data")
    return FinishedRun("a/default/seed0", TASKS.validate(TASK), trajectory, folder / "data")


def test_windows_add_points_and_change_none(run, tmp_path):
    plain = TASK | {"recipe": TASK["recipe"] | {"points": {}}}
    bare = read_trajectory(trained(tmp_path, plain, run.data))
    full = read_trajectory(run.trajectory)
    assert [point.step for point in bare.points] == [0, 3, 6, 9]
    assert [point.step for point in full.points] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert run.settings.cost().points == 10
    digests = {point.step: point.sha256 for point in full.points}
    assert all(digests[point.step] == point.sha256 for point in bare.points)


def test_the_study_of_a_run(run):
    study = STUDIES.validate(STUDY)
    table = study.table([run], lambda: torch.device("cpu"))
    assert list(table.columns) == ["run", "window", "step", "epoch", "measure", "index", "value"]
    found = {name: rows.set_index("step")["value"] for name, rows in table.groupby("measure")}
    # Two windows: up to the drop after step 6, and after it; a Hessian at the first point, and four steps on.
    assert sorted(set(table["window"])) == [0, 6]
    assert list(found["stability"].index) == [0, 4, 6]
    assert list(found["share"].index) == list(found["alignment"].index) == list(range(9))
    assert set(found["bound"]) == {3.0} and found["share"].between(0, 1).all()
    assert found["residual"].max() < 1e-2
    largest = table[(table["measure"] == "eigenvalue") & (table["index"] == 0)].set_index("step")["value"]
    rates = {point.step: point.learning_rate for point in read_trajectory(run.trajectory).points}
    assert {step: largest[step] * rates[step] for step in largest.index} == pytest.approx(
        dict(found["stability"])
    )
    assert (found["share"] >= found["alignment"] ** 2 - 1e-12).all()


def test_the_batches_are_in_an_order_that_no_run_has(run):
    """Seeds are small numbers, of studies as of runs."""
    cpu = torch.device("cpu")
    own = run.settings.data.batches(run.data, 32, 0, cpu).batch(0, 0)
    (mine,) = hessian_of(STUDIES.validate(STUDY), run, cpu).batches
    (other,) = hessian_of(STUDIES.validate(STUDY | {"seed": 1}), run, cpu).batches
    assert all(a.shape == b.shape and not torch.equal(a, b) for a, b in zip(own, mine, strict=True))
    assert not torch.equal(mine[0], other[0])


def test_a_trajectory_of_another_model_is_refused(run, tmp_path):
    description = json.loads((run.trajectory / "trajectory.json").read_text())
    description["parameters"] = dict(reversed(description["parameters"].items()))
    (tmp_path / "trajectory.json").write_text(json.dumps(description))
    moved = FinishedRun(run.name, run.settings, tmp_path, run.data)
    with pytest.raises(UserError, match="its parameters, or their order, are not those of"):
        list(rows_of(STUDIES.validate(STUDY), moved, torch.device("cpu")))
    with pytest.raises(UserError, match="batches: 9 is more than the 3 of an epoch"):
        list(rows_of(STUDIES.validate(STUDY | {"batches": 9}), run, torch.device("cpu")))


def content(points: dict, **study) -> dict:
    experiment = {"title": "", "section": "", "task": "a", "variations": [{}]}
    task = TASK | {"recipe": TASK["recipe"] | {"points": points}}
    studies = {"hessian": STUDY | study}
    return {"scale": "tiny", "tasks": {"a": task}, "experiments": {"one": experiment}, "studies": studies}


@pytest.mark.parametrize(
    ("points", "study", "said"),
    [
        ({"windows": [[3, 2]]}, {}, r"windows.0: a window is \[first, last\], and \[3, 2\] ends before"),
        ({"windows": [[3, 10]]}, {}, r"tasks.a.recipe.points.windows: \[3, 10\] ends after the last step, 9"),
        ({"windows": [[3]]}, {}, "windows.0: List should have at least 2 items"),
        ({}, {}, "studies.hessian: experiment one: its runs have no point at every step"),
        ({"windows": [[0, 3]]}, {"experiment": "two"}, "studies.hessian names the experiment 'two'"),
    ],
)
def test_mistakes_are_named(points, study, said):
    with pytest.raises(UserError, match=said):
        config = check(content(points, **study), "the configuration")
        paper = Paper(config, expand(config))
        assert paper.studied is not None


def test_a_study_of_runs_is_made_of_them_and_figures_of_it():
    config = load_configuration([ROOT / "config.yaml", ROOT / "config/smoke.yaml"])
    paper = Paper(config, expand(config))
    results = Results(paper, ROOT, Path("nowhere"))
    runs = [run for row in paper.experiments["oscillations"] for run in row.names]
    study = Result("studies", "curvature")
    assert results.parts(study) == [Result("runs", run) for run in runs]
    assert set(results.identity(study).inputs) == {f"runs/{run}" for run in runs}
    assert study in results.parts(Result("figures", "oscillations"))
    assert [run.name for run in finished_runs(results.settings(study) | {"results": "r"}, Path())] == runs


def test_the_command_says_what_it_lacks(tmp_path):
    (tmp_path / "study.json").write_text(json.dumps(STUDY))
    command = [BIN / "hallmarks", "study", f"--settings={tmp_path / 'study.json'}", f"-o{tmp_path / 'o.csv'}"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2 and "this study looks at runs; give" in done.stderr, done.stderr
    assert not (tmp_path / "o.csv").exists()
