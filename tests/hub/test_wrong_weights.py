"""Published revisions that hold the weights of others, as known repositories do, in small."""

import numpy as np
import pytest
from hub.conftest import as_bin, point, sharded, weights
from safetensors.numpy import save

from hallmarks.kernel.file import Kernel

MODEL = "EleutherAI/small"
EARLY = [0, 1, 2, 4, 8, 16]
ALL = [*EARLY, 1000, 2000, 3000, 143000]


def publish(hub, safetensors, binary=None, main=143000, steps=ALL) -> None:
    """Each step with the weights of the step that a family's map gives, by default its own."""
    for step in [*steps, "main"]:
        own = main if step == "main" else step
        files = {"model.safetensors": weights(safetensors.get(step, own))}
        if binary is not None:
            files["pytorch_model.bin"] = as_bin(point(binary.get(step, own)))
        hub.publish(MODEL, "main" if step == "main" else f"step{step}", files)


def steps_in(path) -> list[int]:
    return Kernel.load(path).step.tolist()


STALE = dict.fromkeys([*EARLY, 1000], "main")  # 2.8B: main's file is left in the branches


def of_main(stale, main=9):
    return {step: main for step in stale} | {"main": main}


def test_stale_safetensors_and_a_right_bin_beside_them(published, call, tmp_path):
    """Pythia-2.8B: of some revisions model.safetensors is main's, of others a second blob."""
    stale = of_main([*EARLY, 1000]) | {2000: 7, 143000: 7}
    publish(published, stale, binary={})
    status, said, _ = call("hub", "check", f"hf://{MODEL}@step*")
    assert status == 1
    assert (
        "safetensors: " in said and "3 distinct of 10" in said and "bin: " in said and "10 distinct" in said
    )
    assert (
        "wrong: safetensors: step0, step1, step2, step4, … (7) hold the same weights, which main holds"
        in said
    )
    assert "wrong: safetensors: step2000, step143000 hold the same weights\n" in said
    assert "read: bin, 10 distinct of 10 (beside safetensors, 3 distinct of 10); 10 points" in said
    status, said, _ = call("kernel", f"hf://{MODEL}@step*", "-o", tmp_path / "k.npz")
    assert status == 0 and steps_in(tmp_path / "k.npz") == ALL and "read: bin" in said
    # By hand the other: what is equal is missing.
    words = ["kernel", f"hf://{MODEL}@step*", "--weights", "model.safetensors", "-o", tmp_path / "s.npz"]
    status, said, _ = call(*words)
    assert (
        status == 0
        and steps_in(tmp_path / "s.npz") == [3000]
        and "9 revisions with weights of another" in said
    )
    assert call(*words, "--allow-duplicates")[0] == 0 and steps_in(tmp_path / "s.npz") == ALL


def test_where_both_families_repeat_the_rest_is_drawn(published, call, tmp_path):
    publish(published, {2: 143000, 1000: 8, 8: 8}, binary={2: 143000, 1000: 8, 8: 8, 4: 143000})
    status, said, _ = call("map", f"hf://{MODEL}@step*", "-o", tmp_path / "map.png")
    assert status == 0, said
    assert steps_in(tmp_path / "map.npz") == [0, 1, 4, 16, 2000, 3000, 143000] and "read: safetensors" in said


def test_one_shard_of_the_last_step(published, call, tmp_path):
    """Pythia-12B: the first shard of step50000 and step58000 is the final model's."""
    for step in [*ALL, "main"]:
        own = point(143000 if step == "main" else step)
        if step in (1000, 3000):
            own["embed.weight"] = point(143000)["embed.weight"]
        files = sharded(own, "bin")
        published.publish(MODEL, "main" if step == "main" else f"step{step}", files)
    status, said, _ = call("hub", "check", f"hf://{MODEL}@step*")
    assert status == 1
    assert (
        "wrong: bin: step1000, step3000 hold one pytorch_model-00001-of-00002.bin, which main holds too"
        in said
    )
    assert call("kernel", f"hf://{MODEL}@step*", "-o", tmp_path / "k.npz")[0] == 0
    assert steps_in(tmp_path / "k.npz") == [step for step in ALL if step not in (1000, 3000)]
    # Of a part of the revisions without the last, main tells it.
    assert "main's pytorch_model" in call("hub", "check", f"hf://{MODEL}@step0,step1000")[1]


def test_three_steps_of_one_content(published, call, tmp_path):
    """OLMo-2-7B: 101000 = 175000 = 300000."""
    publish(published, {1000: 16, 3000: 16})
    status, said, _ = call("hub", "check", f"hf://{MODEL}@step*")
    assert status == 1 and "wrong: safetensors: step16, step1000, step3000 hold the same weights\n" in said
    assert call("kernel", f"hf://{MODEL}@step*", "-o", tmp_path / "k.npz")[0] == 0
    assert steps_in(tmp_path / "k.npz") == [0, 1, 2, 4, 8, 2000, 143000]


def test_steps_0_and_1_may_be_equal(published, call, tmp_path):
    publish(published, {1: 0})
    assert call("hub", "check", f"hf://{MODEL}@step*")[0] == 0
    assert call("kernel", f"hf://{MODEL}@step*", "-o", tmp_path / "k.npz")[0] == 0
    assert steps_in(tmp_path / "k.npz") == ALL


def test_equal_up_to_the_sign_of_zeros_is_found_after(published, call, tmp_path):
    """Digests do not see through it."""
    for step in ALL:
        own = point(16 if step == 2000 else step)
        if step in (16, 2000):
            own["embed.weight"][:5] = 0.0 if step == 16 else -0.0
        published.publish(MODEL, f"step{step}", {"model.safetensors": save(own)})
    assert call("hub", "check", f"hf://{MODEL}@step*")[0] == 0
    status, said, _ = call("kernel", f"hf://{MODEL}@step*", "-o", tmp_path / "k.npz")
    assert (
        status == 0
        and "missing, equal to another though their files differ: small@step16, small@step2000" in said
    )
    kept = [step for step in ALL if step not in (16, 2000)]
    assert steps_in(tmp_path / "k.npz") == kept
    whole = "step0,step1,step2,step4,step8,step1000,step3000,step143000"
    assert call("kernel", f"hf://{MODEL}@{whole}", "-o", tmp_path / "other.npz")[0] == 0
    one, other = (Kernel.load(tmp_path / f"{name}.npz").increments_gram for name in ("k", "other"))
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(other).max())
    assert Kernel.load(tmp_path / "k.npz").missing == (16, 2000)


@pytest.mark.parametrize("wrong", [(8, 2000), (1000, 2000)], ids=["comes back", "stands still"])
def test_a_tensor_of_another_step_within_a_file_of_its_own(published, call, tmp_path, wrong):
    """Digests of files do not see it; those of what was streamed do."""
    for step in ALL:
        own = point(step)
        if step in wrong:
            own["embed.weight"] = point(7)["embed.weight"]
        published.publish(MODEL, f"step{step}", {"model.safetensors": save(own)})
    assert call("hub", "check", f"hf://{MODEL}@step*")[0] == 0
    words = ["kernel", f"hf://{MODEL}@step*", "-o", tmp_path / "k.npz"]
    status, said, _ = call(*words)
    names = ", ".join(f"small@step{step}" for step in wrong)
    assert status == 0, said
    assert f"missing, in a part equal to another: {names}, in 1 of 2 groups (embed.weight)" in said
    assert steps_in(tmp_path / "k.npz") == [step for step in ALL if step not in wrong]
    assert Kernel.load(tmp_path / "k.npz").digests.shape == (2, len(ALL) - 2)
    status, said, _ = call(*words, "--allow-duplicates")
    assert status == 0 and steps_in(tmp_path / "k.npz") == ALL and "missing" not in said
    assert "embed.weight" in said and "and counted" in said


def test_what_moves_late_or_no_more_is_said_and_counted(published, call, tmp_path):
    """As a layer that is thawed, or frozen, on the way."""
    for step in ALL:
        own = point(step)
        if step <= 4:
            own["embed.weight"] = point(0)["embed.weight"]
        if step >= 2000:
            own["out.weight"] = point(2000)["out.weight"]
        published.publish(MODEL, f"step{step}", {"model.safetensors": save(own)})
    status, said, _ = call("kernel", f"hf://{MODEL}@step*", "-o", tmp_path / "k.npz")
    assert status == 0 and steps_in(tmp_path / "k.npz") == ALL and "missing" not in said
    assert (
        "points that are equal in a part, and counted: small@step0 = small@step1, small@step1 = small@step2, "
        "small@step2 = small@step4, … in 2 of 2 groups (embed.weight, out.weight)" in said
    )


def test_a_few_numbers_that_come_back_are_said_and_counted(published, call, tmp_path):
    """As a norm's in half precision may."""
    for step in ALL:
        scale = np.float32([1.0, 1.0 + (step % 8) / 8])
        published.publish(
            MODEL, f"step{step}", {"model.safetensors": save(point(step, size=200) | {"scale": scale})}
        )
    status, said, _ = call("kernel", f"hf://{MODEL}@step*", "-o", tmp_path / "k.npz")
    assert status == 0 and steps_in(tmp_path / "k.npz") == ALL
    assert "the same in points between which they moved, and counted: 1 of 3 groups (scale) in small@" in said


def test_a_step_that_holds_main_alone_is_missing(published, call):
    """Of the final model's weights at an early step it is known that they are wrong."""
    publish(published, {8: 143000})
    status, said, _ = call("hub", "check", f"hf://{MODEL}@step4,step8,step16")
    assert status == 1 and "wrong: safetensors: step8 holds main's weights" in said


def test_what_no_step_moves_is_no_finding(published, call):
    for step in (0, 10, 20):
        own = point(step) | {"embed.weight": point(0)["embed.weight"]}
        published.publish(MODEL, f"step{step}", sharded(own, "safetensors"))
    assert call("hub", "check", f"hf://{MODEL}@step*")[0] == 0
