"""Which tensors of checkpoints are the model: the one place that says so."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.layout import COMPLEX
from hallmarks.trajectory.others.buffers import why_not
from hallmarks.trajectory.others.values import as_reals
from hallmarks.trajectory.tensor import ITEM_BYTES, Tensor

Point = tuple[Path, dict[str, Tensor]]

PREFIX = re.compile(r"^(module\.)+|(?<![^.])_orig_mod\.")

PLACEHOLDER = (
    "has no elements: a placeholder, as ZeRO-3 and FSDP leave it; put the model together first (DeepSpeed: "
    "zero_to_fp32.py), or leave it out by --leave-out"
)


@dataclass
class Model:
    """For each point its parameters by name, and what was left out or changed, in words."""

    parameters: list[dict[str, Tensor]]
    left: dict[str, list[str]] = field(default_factory=dict)  # the names, by why
    said: list[str] = field(default_factory=list)


def choose(points: Sequence[Point], only: Sequence[str] = (), leave_out: Sequence[str] = ()) -> Model:
    """The parameters of every point. Raises UserError naming file and tensor.

    `only` and `leave_out` are patterns of names, by which a hand decides instead.
    """
    points, said = alike(points)
    names = list(dict.fromkeys(name for _, tensors in points for name in tensors))
    for option, patterns in {"--only": only, "--leave-out": leave_out}.items():
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise UserError(
                    f"{option} {pattern}: no tensor is so named; there are {', '.join(names[:5])}, …"
                )
    model = Model([{} for _ in points], said=said)
    for name in names:
        found = [(path, tensors[name]) for path, tensors in points if name in tensors]
        reason = why_not(name, found, names, only, leave_out)
        if reason:
            model.left.setdefault(reason, []).append(name)
            continue
        for path, tensor in found:
            require(path, name, tensor)
    left = {name for each in model.left.values() for name in each}
    for parameters, (path, tensors) in zip(model.parameters, points, strict=True):
        kept = {name: as_reals(tensor) for name, tensor in tensors.items() if name not in left}
        if not any(tensor.numel for tensor in kept.values()):
            raise UserError(f"{path}: holds no parameter")
        parameters |= sorted(kept.items(), key=lambda item: (str(item[1].file), item[1].offset))
    return model


def require(path: Path, name: str, tensor: Tensor) -> None:
    """Raise UserError where a parameter has no values that can be read."""
    if tensor.dtype not in ITEM_BYTES and tensor.dtype not in COMPLEX:
        what = f"stored as {tensor.dtype}" if tensor.dtype.isidentifier() else tensor.dtype
        raise UserError(f"{path}: {name} is {what}, {cure(tensor.dtype)}; or --leave-out '{name}'")
    if tensor.shape == (0,):
        raise UserError(f"{path}: {name} {PLACEHOLDER}")


def cure(dtype: str) -> str:
    """What to do about a tensor without plain values, by the word for what it is."""
    for word, advice in {
        "sparse": "save it dense: .to_dense()",
        "quantised": "save it dequantised: .dequantize()",
        "DTensor": "save it whole: .full_tensor()",
        "ShardedTensor": "save the full state dict",
        "view with gaps": "save it contiguous",
        "negated": "save it by .resolve_neg()",
        "conjugated": "save it by .resolve_conj()",
        "meta": "save it after its values were loaded",
        "numpy": "save it by numpy.savez or as a tensor",
        "subclass": "save it as a plain tensor",
    }.items():
        if word in dtype:
            return advice
    return f"not one of {', '.join([*ITEM_BYTES, *COMPLEX])}; save it as one of them"


def alike(points: Sequence[Point]) -> tuple[list[Point], list[str]]:
    """The points under the same names: what wrappers put before them in some points is taken off."""
    if len({frozenset(tensors) for _, tensors in points}) <= 1:
        return list(points), []
    plain = [
        (path, {PREFIX.sub("", name): tensor for name, tensor in tensors.items()}) for path, tensors in points
    ]
    changed = {found.group() for _, tensors in points for name in tensors for found in PREFIX.finditer(name)}
    if not changed or any(len(new) < len(old) for (_, new), (_, old) in zip(plain, points, strict=True)):
        return list(points), []
    return plain, [f"taken off the names of tensors: {', '.join(sorted(changed))}"]
