"""What the slices of a kernel are: parameter tensors, with queries, keys and values that share one split."""

from dataclasses import dataclass

import numpy as np

from hallmarks.errors import UserError
from hallmarks.kernel.fused import fused, splits_by_heads
from hallmarks.trajectory.checkpoints import Checkpoints, Heads
from hallmarks.trajectory.segments import Piece
from hallmarks.trajectory.tensor import ITEM_BYTES


@dataclass(frozen=True)
class Groups:
    """What the slices of a kernel are: `names`, `numel`, and their pieces of tensors, in the file's order."""

    names: list[str]
    numel: np.ndarray
    pieces: list[Piece]


def groups(checkpoints: Checkpoints, heads: Heads | None = None) -> Groups:
    """One group a tensor; those that hold queries, keys and values at once are three.

    Raises UserError where it cannot be known how they lie there.
    """
    first = checkpoints.points[0]
    if heads and not any(splits_by_heads(name, first.tensors, heads) for name in first.tensors):
        raise UserError(
            f"{first.path}: --heads: none of its tensors is split by these numbers of heads; leave it out"
        )
    heads = heads or checkpoints.heads
    names: list[str] = []
    pieces: list[Piece] = []
    for name, tensor in first.tensors.items():
        where = f"{first.path}: {name}"
        if (split := fused(name, first.tensors, heads, where)) is None:
            pieces.append(Piece(len(names), name, 0, tensor.numel))
            names.append(name)
            continue
        if tensor.strides[0] * tensor.shape[0] != tensor.numel:
            raise UserError(f"{where} is laid out by columns; save it contiguous")
        pieces += [
            Piece(len(names) + part, name, start, count)
            for part, stretches in enumerate(split.stretches)
            for start, count in stretches
        ]
        names += split.names
    numel = np.zeros(len(names), dtype=np.int64)
    for piece in pieces:
        numel[piece.group] += piece.count
    item = {name: ITEM_BYTES[tensor.dtype] for name, tensor in first.tensors.items()}
    pieces.sort(
        key=lambda piece: (
            str(first.tensors[piece.tensor].file),
            first.tensors[piece.tensor].offset + piece.start * item[piece.tensor],
        )
    )
    return Groups(names, numel, pieces)
