"""Language models: texts, GPT-NeoX, its recipe by the formulas, its log, and that it goes on to the bit."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hallmarks import cli
from hallmarks.config.types import TASKS
from hallmarks.data.prepare import prepare
from hallmarks.data.sets import python_library
from hallmarks.data.tokens import TokenShape
from hallmarks.errors import Interrupted, UserError
from hallmarks.kernel.file import Kernel
from hallmarks.models import initialised
from hallmarks.models.gpt_neox import Settings as GptNeox
from hallmarks.objectives.language_modelling import Settings as LanguageModelling
from hallmarks.optimizers.clipped_adamw import Settings as ClippedAdamW
from hallmarks.origins.trained import Points, Recipe
from hallmarks.schedules.warm_up_cosine import Settings as WarmUpCosine
from hallmarks.training.setup import fresh, set_up
from hallmarks.training.timeline import Timeline
from hallmarks.training.trainer import Trainer
from hallmarks.trajectory.reader import read_trajectory

TASK = {
    "data": {"name": "python-library", "length": 12, "sequences": 32, "test_sequences": 8},
    "model": {"name": "gpt-neox", "width": 16, "depth": 3, "head_size": 8},
    "recipe": {
        "optimizer": {"name": "clipped-adamw", "learning_rate": 0.01},
        "objective": {"name": "language-modelling"},
        "batch_size": 8,
        "length": 10,
        "unit": "steps",
        "schedule": {"name": "warm-up-cosine", "warm_up": 0.2},
        "points": {"every": 4, "unit": "steps", "windows": [2]},
    },
}
SHAPE = TokenShape(256, 12)


def changed(**parts) -> dict:
    """The task with some keys of its parts replaced."""
    return {key: TASK[key] | parts.get(key, {}) for key in TASK}


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """A folder of small Python files, of which some are for testing."""
    folder = tmp_path_factory.mktemp("library")
    for number in range(60):
        (folder / f"module_{number}.py").write_text(f"def f{number}(x):\n    return {number} * x\n")
    (folder / "test").mkdir()
    (folder / "test/test_all.py").write_text("assert False\n")
    (folder / "_sysconfigdata__linux.py").write_text("build_time_vars = {}\n")
    return folder


@pytest.fixture(scope="module")
def data(library, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "python-library"
    prepare("python-library", library, folder)
    return folder


def texts(folder: Path) -> tuple[bytes, bytes]:
    return tuple(np.load(folder / f"{name}.npy").tobytes() for name in ("train", "test"))


def test_the_library_is_bytes_with_whole_files_held_out(library, data):
    train, test = texts(data)
    files = {path.name: path.read_bytes() for path in library.glob("module_*.py")}
    assert set(train.split(b"\0")) | set(test.split(b"\0")) == set(files.values())
    held_out = {name for name in files if python_library.held_out(name)}
    assert set(test.split(b"\0")) == {files[name] for name in held_out} and 2 <= len(held_out) <= 12
    about = json.loads((data / "data.json").read_text())
    assert f"{60 - len(held_out)} files to train on, {len(held_out)} to test on, SHA-256 " in about["source"]
    # A file more moves no other.
    (library / "another.py").write_text("x = 1\n")
    again = python_library.read(library)
    (library / "another.py").unlink()
    assert set(test.split(b"\0")) <= set(again.files["test.npy"].tobytes().split(b"\0"))


def test_this_pythons_own_library_is_a_text_of_millions_of_bytes():
    contents = python_library.read(None)
    assert len(contents.files["train.npy"]) > 4e6 and len(contents.files["test.npy"]) > 2e5
    assert "standard library" in contents.origin and b"site-packages" not in contents.origin.encode()


def test_a_folder_without_python_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds too few Python files"):
        python_library.read(tmp_path)


def test_batches_are_windows_of_the_text_and_what_follows_a_function_of_seed_epoch_and_index(data):
    settings = TASKS.validate(TASK).data
    batches = settings.batches(data, 8, 5, "cpu")
    train, test = texts(data)
    assert batches.steps_per_epoch == 4
    inputs, targets = batches.batch(3, 2)
    assert inputs.shape == targets.shape == (8, 12)
    for row, following in zip(inputs.tolist(), targets.tolist(), strict=True):
        assert bytes([*row, following[-1]]) in train and row[1:] == following[:-1]
    later = settings.batches(data, 8, 5, "cpu")
    later.batch(7, 0)
    assert later.batch(3, 2)[0].equal(inputs)
    for other in (settings.batches(data, 8, 6, "cpu").batch(3, 2), batches.batch(3, 1), batches.batch(2, 2)):
        assert not other[0].equal(inputs)
    tested = list(batches.test())
    assert sum(len(rows) for rows, _ in tested) == 8
    assert bytes(tested[0][0][0].tolist()) == test[:12] and tested[-1][1][-1].tolist() == list(test[-12:])


def folder_of_tokens(folder: Path, train: np.ndarray, test: np.ndarray, facts: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "train.npy", train)
    np.save(folder / "test.npy", test)
    if facts:
        (folder / "facts.json").write_text(facts)
    return folder


def test_any_tokenised_text_is_taken_as_it_is(tmp_path):
    tokens = np.arange(1000, dtype=np.uint16) % 700
    source = folder_of_tokens(tmp_path / "source", tokens, tokens[:100], '{"bytes_per_token": 4.5}')
    prepare("tokens", source, tmp_path / "tokens")
    of = {"name": "tokens", "length": 16, "sequences": 8, "test_sequences": 4, "vocabulary": 700}
    settings = TASKS.validate(changed() | {"data": of}).data
    batches = settings.batches(tmp_path / "tokens", 4, 0, "cpu")
    inputs, targets = batches.batch(0, 0)
    assert ((inputs + 1) % 700).equal(targets) and batches.bytes_per_token == 4.5
    few = TASKS.validate(changed() | {"data": of | {"vocabulary": 699}}).data
    with pytest.raises(UserError, match="has the token 699, and there are 699, from 0 on"):
        few.batches(tmp_path / "tokens", 4, 0, "cpu")
    long = TASKS.validate(changed() | {"data": of | {"length": 100}}).data
    with pytest.raises(
        UserError, match="length: 100 tokens and the next, and the test text of tokens has 100"
    ):
        long.batches(tmp_path / "tokens", 4, 0, "cpu")


@pytest.mark.parametrize(
    ("train", "facts", "said"),
    [
        (np.zeros((2, 3), int), "", r"train.npy: has the shape \(2, 3\)"),
        (np.array([0.5]), "", "train.npy: has the shape .* of float64"),
        (np.array([-1, 2]), "", "has the tokens -1 to 2; they count from 0"),
        (np.array([1, 2]), "{}", "facts.json: should be"),
        (np.array([1, 2]), '{"bytes_per_token": 0}', "0 bytes a token cannot be"),
    ],
)
def test_what_is_no_tokenised_text_is_refused(tmp_path, train, facts, said):
    source = folder_of_tokens(tmp_path / "source", train, np.array([1, 2, 3]), facts)
    with pytest.raises(UserError, match=said):
        prepare("tokens", source, tmp_path / "tokens")
    with pytest.raises(UserError, match="name the folder that holds"):
        prepare("tokens", None, tmp_path / "tokens")


def test_texts_go_with_what_takes_texts():
    TASKS.validate(TASK).check()
    images = {"name": "digits"}
    with pytest.raises(UserError, match="^model: gpt-neox takes tokens, and digits is images$"):
        TASKS.validate(TASK | {"data": images}).check()
    network = {"name": "vit", "patch": 4, "width": 8, "depth": 1, "heads": 2}
    with pytest.raises(UserError, match="^model: vit takes images, and python-library is tokens$"):
        TASKS.validate(TASK | {"model": network}).check()
    with pytest.raises(UserError, match="^recipe.objective: classification takes images"):
        TASKS.validate(changed(recipe={"objective": {"name": "classification"}})).check()


def test_the_network_has_pythias_parameters_and_initialisation():
    # Pythia 14M, as its model card counts it.
    with torch.device("meta"):
        published = GptNeox(width=128, depth=6, head_size=32).build(TokenShape(50304, 2048))
    assert sum(p.numel() for p in published.parameters()) == 14_067_712
    assert published.config.num_attention_heads == 4
    network = initialised(GptNeox(width=64, depth=4, head_size=16), SHAPE, 0)
    parameters = dict(network.named_parameters())
    layer = "gpt_neox.layers.3."
    for name, deviation in {
        "gpt_neox.embed_in.weight": math.sqrt(2 / 5 / 64),
        "lm_head.weight": math.sqrt(2 / 5 / 64),
        layer + "attention.query_key_value.weight": math.sqrt(2 / 5 / 64),
        layer + "mlp.dense_h_to_4h.weight": math.sqrt(2 / 5 / 64),
        layer + "attention.dense.weight": 2 / 4 / math.sqrt(64),
        layer + "mlp.dense_4h_to_h.weight": 2 / 4 / math.sqrt(64),
    }.items():
        assert parameters[name].std().item() == pytest.approx(deviation, rel=0.05)
    for name, parameter in parameters.items():
        if parameter.dim() == 1:
            assert (parameter == (1 if "norm.weight" in name else 0)).all()
    same = initialised(GptNeox(width=64, depth=4, head_size=16), SHAPE, 0)
    assert all(p.equal(parameters[name]) for name, p in same.named_parameters())


def test_a_score_is_of_what_came_before_alone():
    network = initialised(GptNeox(width=16, depth=2, head_size=8), SHAPE, 0)
    tokens = torch.arange(24).view(2, 12)
    before = network(tokens)
    assert before.shape == (2, 12, 256)
    tokens[:, 7] = 99
    after = network(tokens)
    assert after[:, :7].equal(before[:, :7]) and not torch.isclose(after[:, 7:], before[:, 7:]).all(-1).any()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"head_size": 5}, "head_size: 5 does not divide"),
        ({"rotary": 0.1}, "rotary: 0.1 of a head of 8 is 0"),
    ],
)
def test_a_size_that_cannot_be_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        GptNeox.model_validate({"name": "gpt-neox", "width": 16, "head_size": 8} | wrong)


def test_the_loss_is_that_of_every_position():
    scores, targets = torch.randn(2, 3, 5), torch.randint(5, (2, 3))
    loss, count, right = LanguageModelling()(scores, targets)
    chosen = scores.log_softmax(-1).gather(-1, targets[..., None])
    assert loss.item() == pytest.approx(-chosen.mean().item(), rel=1e-6) and count == 6
    assert int(right) == int((scores.argmax(-1) == targets).sum())


def test_the_learning_rate_rises_over_a_hundredth_and_falls_to_a_tenth():
    rate = WarmUpCosine().learning_rate
    assert [rate(1.0, step, 1000) for step in (0, 1, 5, 10)] == pytest.approx([0, 0.1, 0.5, 1])
    assert rate(1.0, 505, 1000) == pytest.approx(0.55) and rate(1.0, 1000, 1000) == pytest.approx(0.1)
    falling = [rate(2.0, step, 1000) for step in range(10, 1001)]
    assert falling == sorted(falling, reverse=True)
    assert WarmUpCosine(warm_up=0, final=0).learning_rate(1.0, 0, 10) == 1
    assert WarmUpCosine(warm_up=1).learning_rate(1.0, 9, 10) == pytest.approx(0.9)


def test_an_update_is_adamws_by_a_clipped_gradient_with_decay_of_matrices_alone():
    torch.manual_seed(0)
    matrix, bias = (nn.Parameter(torch.randn(*shape, dtype=torch.float64)) for shape in [(3, 4), (3,)])
    inputs = torch.randn(5, 4, dtype=torch.float64)
    settings = ClippedAdamW(learning_rate=0.01, weight_decay=0.5, clip=0.7)
    optimizer = settings.build([matrix, bias])

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (inputs @ matrix.T + bias).square().sum()
        loss.backward()
        return loss

    theta, state, clipped = [matrix.detach().numpy().copy(), bias.detach().numpy().copy()], {}, []
    x = inputs.numpy()
    for t in range(1, 40):
        residual = x @ theta[0].T + theta[1]
        gradient = [2 * residual.T @ x, 2 * residual.sum(0)]
        norm = math.sqrt(sum((part**2).sum() for part in gradient))
        clipped.append(norm > 0.7)
        scale = min(1.0, 0.7 / (norm + 1e-6))
        for at, decay in enumerate([0.5, 0.0]):
            g = gradient[at] * scale
            m = state["m", at] = 0.9 * state.get(("m", at), 0) + 0.1 * g
            v = state["v", at] = 0.95 * state.get(("v", at), 0) + 0.05 * g**2
            step = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-8)
            theta[at] = theta[at] * (1 - 0.01 * decay) - 0.01 * step
        assert optimizer.step(closure).item() == pytest.approx((residual**2).sum(), rel=1e-10)
        np.testing.assert_allclose(matrix.detach().numpy(), theta[0], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(bias.detach().numpy(), theta[1], rtol=1e-10, atol=1e-12)
    assert all(clipped)
    assert len(optimizer.param_groups) == 1  # a branch takes a part of one group's state


def test_points_are_at_single_steps_and_then_at_equal_ones():
    points = Points.model_validate({"every": 4, "unit": "steps", "windows": [1, 2, [5, 6]]})
    assert points.windows == [[1, 1], [2, 2], [5, 6]] and Points.model_validate(points.model_dump()) == points
    recipe = Recipe(optimizer={"learning_rate": 1}, batch_size=1, length=10, unit="steps", points=points)
    timeline = Timeline(recipe, 5)
    assert sorted(timeline.points()) == [0, 1, 2, 4, 5, 6, 8, 10]
    assert [step for step in range(11) if timeline.is_point(step)] == sorted(timeline.points())
    with pytest.raises(ValueError, match="ends before it begins"):
        Points.model_validate({"windows": [[3, 2]]})


def trainer(folder: Path, data: Path, **parts) -> Trainer:
    settings = TASKS.validate(changed(**parts))
    start, batches = fresh(settings, data, 1, torch.device("cpu"))
    return Trainer("lm/default/seed1", set_up(settings.recipe, start, batches), folder)


@pytest.fixture(scope="module")
def made(data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    trainer(folder, data).make(lambda: False)
    return folder / "output"


def test_the_log_has_bits_a_byte(made):
    log = pd.read_csv(made / "log.csv")
    assert list(log["step"]) == [4, 8, 10]
    np.testing.assert_allclose(log["bits_per_byte"], log["loss"] / math.log(2), rtol=1e-12)
    assert log["test_bits_per_byte"].between(1, 9).all() and log["test_bits_per_byte"].is_monotonic_decreasing
    assert list(log.columns[-2:]) == ["images_per_second", "seconds"]


def test_the_test_loss_is_that_of_the_test_text(made, data):
    point = read_trajectory(made / "trajectory").load(-1)
    settings = TASKS.validate(TASK)
    start, batches = fresh(settings, data, 1, torch.device("cpu"))
    start.model.load_state_dict(
        {name: torch.from_numpy(value) for name, value in point.items()}, strict=False
    )
    (inputs, targets), *_ = batches.test()
    loss = F.cross_entropy(start.model(inputs).flatten(0, 1), targets.flatten()).item()
    found = pd.read_csv(made / "log.csv")["test_bits_per_byte"].iloc[-1]
    assert found == pytest.approx(loss / math.log(2), rel=1e-5)


def test_of_tokens_of_several_bytes_the_bits_are_a_bytes(tmp_path):
    tokens = np.random.default_rng(0).integers(0, 256, 2000)
    source = folder_of_tokens(tmp_path / "source", tokens, tokens, '{"bytes_per_token": 4}')
    prepare("tokens", source, tmp_path / "tokens")
    of = {"name": "tokens", "vocabulary": 256, "length": 12, "sequences": 32, "test_sequences": 8}
    settings = TASKS.validate(TASK | {"data": of})
    start, batches = fresh(settings, tmp_path / "tokens", 0, torch.device("cpu"))
    Trainer("lm/default/seed0", set_up(settings.recipe, start, batches), tmp_path / "run").train()
    log = pd.read_csv(tmp_path / "run/output/log.csv")
    np.testing.assert_allclose(log["bits_per_byte"], log["loss"] / math.log(2) / 4, rtol=1e-12)


def test_step_1_is_the_initialisation_again_since_the_warm_up_begins_at_0(data, tmp_path):
    made = trainer(tmp_path, data, recipe={"points": {"every": 4, "unit": "steps", "windows": [1, 2]}})
    made.train()
    trajectory = read_trajectory(tmp_path / "output/trajectory")
    assert [point.step for point in trajectory.points] == [0, 1, 2, 4, 8, 10]
    assert trajectory.points[0].sha256 == trajectory.points[1].sha256 != trajectory.points[2].sha256


def test_stopped_after_any_step_it_ends_with_the_same_bits(made, data, tmp_path):
    whole = [point.sha256 for point in read_trajectory(made / "trajectory").points]
    stops = 0
    while True:
        calls = iter(range(100))
        try:
            trainer(tmp_path, data).train(lambda calls=calls: next(calls) == 0)
            break
        except Interrupted:
            stops += 1
    assert stops == 9  # after each step but the last
    assert [point.sha256 for point in read_trajectory(tmp_path / "output/trajectory").points] == whole
    log, other = (pd.read_csv(folder / "log.csv").iloc[:, :-2] for folder in (made, tmp_path / "output"))
    pd.testing.assert_frame_equal(log, other)


def test_its_kernel_has_queries_keys_and_values_as_the_model_takes_them(made, tmp_path):
    assert cli.main(["kernel", str(made / "trajectory"), "-o", str(tmp_path / "kernel.npz")]) == 0
    kernel = Kernel.load(tmp_path / "kernel.npz")
    trajectory = read_trajectory(made / "trajectory")
    name = "gpt_neox.layers.1.attention.query_key_value.weight"
    assert trajectory.parameters[name]["kind"] == "attention"
    points = np.stack([trajectory.load(t)[name] for t in range(len(trajectory.points))]).astype(float)
    # transformers: view(…, heads, 3 · head size), and chunk of the last in three.
    heads = points.reshape(len(points), 2, 3, 8, 16)
    for at, part in enumerate(["query", "key", "value"]):
        flat = heads[:, :, at].reshape(len(points), -1)
        increments = np.diff(flat, axis=0, prepend=0)
        np.testing.assert_allclose(
            kernel.gram(f"gpt_neox.layers.1.attention.{part}.weight"),
            increments @ increments.T,
            rtol=1e-4,
            atol=1e-7,
        )
