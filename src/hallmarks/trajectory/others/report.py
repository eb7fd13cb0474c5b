"""What was understood of other people's checkpoints, in words."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hallmarks.trajectory.others.model import Model
from hallmarks.trajectory.others.names import stem
from hallmarks.trajectory.tensor import Tensor

SHOWN = 3
# What people call an average of the weights, or a network that follows another.
COPIES = re.compile(r"ema|target|teacher|shadow|average|momentum|_k$")


def understood(
    paths: Sequence[Path],
    why: str,
    parameters: Mapping[str, Tensor],
    model: Model,
    tied: Mapping[str, str],
    left: Sequence[str],
) -> str:
    """6 points, ckpt_0 … ckpt_5, ordered by step; 161 tensors, 25,557,032 numbers; left out: 53 buffers."""
    numbers = sum(tensor.numel for tensor in parameters.values())
    parts = [points_of(paths, why), f"{many(len(parameters), 'tensor')}, {many(numbers, 'number')}"]
    out = [f"{many(len(names), reason)} ({shown(last_parts(names))})" for reason, names in model.left.items()]
    if out or left:
        parts.append("left out: " + "; ".join([*out, *left]))
    if singles := [name for name, tensor in parameters.items() if tensor.numel == 1 < numbers]:
        parts.append(f"single numbers, counted: {shown(singles)}")
    parts += [f"{copy} repeats {of}, both counted" for copy, of in copies(parameters)]
    if tied:
        pairs = shown([f"{name} = {other}" for name, other in tied.items()])
        parts.append(f"tied, counted once: {pairs}")
    return "; ".join([*parts, *model.said])


def copies(parameters: Mapping[str, Tensor]) -> list[tuple[str, str]]:
    """What is called an average, or a target, of another part of the model and has the same tensors.

    Names are compared without their dots, which latent diffusion's averages lack.
    """
    parts: dict[str, set[tuple[str, tuple[int, ...]]]] = {}
    for name, tensor in parameters.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, set()).add((rest.replace(".", ""), tensor.shape))
        if not COPIES.search(part):
            parts.setdefault("", set()).add((name.replace(".", ""), tensor.shape))
    return [
        (f"{copy}.*", f"{of}.*" if of else "the others")
        for copy in filter(COPIES.search, parts)
        for of in parts
        if not COPIES.search(of) and parts[copy] >= parts[of]
    ]


def points_of(paths: Sequence[Path], why: str) -> str:
    names = [stem(path) for path in paths]
    ends = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
    return f"{many(len(names), 'point')}, {ends}" + (
        f", {why if why == 'as listed' else f'ordered {why}'}" if why else ""
    )


def many(count: int, word: str) -> str:
    """A count and a word for what is counted: 1 tensor, 2 tensors, 3 buffers."""
    if word == "as asked":
        return f"{many(count, 'tensor')} {word}"
    return f"{count:,} {word.removesuffix('s')}{'' if count == 1 else 's'}"


def last_parts(names: Sequence[str]) -> list[str]:
    """Names without what differs from layer to layer: running_mean of layer1.0.bn1.running_mean."""
    parts = [name.rsplit(".", 2) for name in names]
    return list(
        dict.fromkeys(".".join(part[-2:] if part[-1] in {"bias", "weight"} else part[-1:]) for part in parts)
    )


def shown(names: Sequence[str]) -> str:
    return ", ".join([*names[:SHOWN], *(["…"] if len(names) > SHOWN else [])])
