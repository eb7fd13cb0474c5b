"""What the slices of a kernel are: parameter tensors, with GPT-NeoX's queries, keys and values split."""

import re
from dataclasses import dataclass

import numpy as np

from hallmarks.errors import UserError
from hallmarks.trajectory.checkpoints import Checkpoints
from hallmarks.trajectory.segments import Piece
from hallmarks.trajectory.tensor import ITEM_BYTES

QUERY_KEY_VALUE = re.compile(r"(^|\.)attention\.query_key_value\.(weight|bias)$")


@dataclass(frozen=True)
class Groups:
    """What the slices of a kernel are: `names`, `numel`, and their pieces of tensors, in the file's order."""

    names: list[str]
    numel: np.ndarray
    pieces: list[Piece]


def groups(checkpoints: Checkpoints, heads: int | None = None) -> Groups:
    """One group a tensor; GPT-NeoX's query_key_value is three, split head by head.

    Its rows lie as [heads, 3, head size, …]. Raises UserError where the number of heads is not known.
    """
    heads = heads or checkpoints.heads
    names: list[str] = []
    pieces: list[Piece] = []
    first = checkpoints.points[0]
    for name, tensor in first.tensors.items():
        if not QUERY_KEY_VALUE.search(name):
            pieces.append(Piece(len(names), name, 0, tensor.numel))
            names.append(name)
            continue
        if heads is None:
            raise UserError(
                f"{first.path}: {name} mixes queries, keys and values head by head; "
                "give --heads N, or put the model's config.json beside it"
            )
        if tensor.shape[0] % (3 * heads):
            raise UserError(
                f"{first.path}: {name} has {tensor.shape[0]} rows, not a multiple of 3 × {heads} heads"
            )
        if tensor.strides[0] * tensor.shape[0] != tensor.numel:
            raise UserError(f"{first.path}: {name} is laid out by columns; save it contiguous")
        block = tensor.numel // (3 * heads)
        pieces += [
            Piece(len(names) + part, name, (3 * head + part) * block, block)
            for head in range(heads)
            for part in range(3)
        ]
        names += [name.replace("query_key_value", part) for part in ("query", "key", "value")]
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
