"""bfloat16, TF32 and compiled networks: what is computed in them, and what stays float32, by its own name."""

import numpy as np
import pytest
import torch
from test_training import RandomBatches, model, recipe
from torch.nn import functional as F

from hallmarks.errors import Interrupted, UserError
from hallmarks.training.loop import point, train
from hallmarks.training.loop import test_accuracy as accuracy
from hallmarks.training.setup import set_up
from hallmarks.training.start import Start
from hallmarks.training.trainer import Trainer


@pytest.fixture(autouse=True)
def flags():
    saved = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = saved


def trained(**changes) -> dict[str, np.ndarray]:
    training = set_up(recipe(length=1, **changes), Start(model()), RandomBatches())
    train(training, 0, lambda step: None)
    assert all(state["momentum_buffer"].dtype == torch.float32 for state in training.optimizer.state.values())
    return point(training.model)


def by_hand(autocast: bool) -> dict[str, np.ndarray]:
    network, batches = model(), RandomBatches()
    sgd = torch.optim.SGD(network.parameters(), 0.1, 0.9, weight_decay=0.01, fused=True)
    for index in range(batches.steps_per_epoch):
        inputs, targets = batches.batch(0, index)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            scores = network(inputs)
        sgd.zero_grad()
        F.cross_entropy(scores.float(), targets).backward()
        sgd.step()
    return point(network)


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_bf16_is_autocast_and_what_is_kept_is_float32():
    kept = trained(precision="bf16")
    assert same(kept, by_hand(autocast=True)) and not same(kept, trained())
    assert {array.dtype for array in kept.values()} == {np.dtype(np.float32)}


def test_without_a_word_of_it_a_run_on_the_cpu_keeps_its_bits():
    assert same(trained(), by_hand(autocast=False)) and same(trained(), trained(precision="tf32"))


@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
def test_training_and_testing_compute_alike_and_say_so(precision):
    training, seen = set_up(recipe(precision=precision), Start(model()), RandomBatches()), []
    training.model[0].register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    train(training, 17, lambda step: None)
    accuracy(training)
    assert seen == [torch.bfloat16 if precision == "bf16" else torch.float32] * 3
    allowed = precision == "tf32"
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == (allowed, allowed)
    assert {"float32": "in float32", "tf32": "TF32", "bf16": "bfloat16"}[
        precision
    ] in training.timeline.recipe.computed()


def test_a_compiled_run_keeps_names_and_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    # Inductor's own kernels, tried by hand, end with the same bits too; to make them takes half a minute.
    monkeypatch.setattr("hallmarks.training.precision.COMPILED", {"backend": "aot_eager"})

    def go(folder, stop=lambda: False) -> Trainer:
        torch.compiler.reset()  # as a new process would
        training = set_up(recipe(compile=True), Start(model()), RandomBatches())
        trainer = Trainer("task/default/seed0", training, tmp_path / folder)
        trainer.train(stop)
        return trainer

    whole = go("whole")
    stops = iter([False] * 7)
    with pytest.raises(Interrupted):
        go("parts", stop=lambda: next(stops, True))
    parts = go("parts")
    names = [name for name, _ in model().named_parameters()]
    assert list(point(whole.training.model)) == list(whole.writer.parameters) == names
    digests = [[entry.sha256 for entry in each.writer.points] for each in (whole, parts)]
    assert digests[0] == digests[1] and len(digests[0]) == 4
    assert same(point(whole.training.model), point(parts.training.model))
    for name, array in point(whole.training.model).items():
        assert np.allclose(array, eager()[name], atol=1e-5)


def test_without_a_compiler_compile_is_refused_in_a_line(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"recipe.compile: needs a C\+\+ compiler"):
        set_up(recipe(compile=True), Start(model()), RandomBatches())


def eager() -> dict[str, np.ndarray]:
    training = set_up(recipe(), Start(model()), RandomBatches())
    train(training, 0, lambda step: None)
    return point(training.model)
