"""Tensors that hold queries, keys and values at once: by whom, laid out how, where each of the three lies.

Told by the name and the shape; what is laid out otherwise, or under a name that is used for several layouts
(Falcon's and ChatGLM's `self_attention.query_key_value`), stays one group.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hallmarks.errors import UserError
from hallmarks.trajectory.checkpoints import Heads
from hallmarks.trajectory.tensor import Tensor

Stretches = list[tuple[int, int]]  # where a part lies in the flat tensor: first element, count

# GPT-NeoX: rows lie as [heads, 3, head size].
NEOX = re.compile(r"(?:^|\.)attention\.(query_key_value)\.(?:weight|bias)$")
# PyTorch's MultiheadAttention: rows lie as [3, width].
TORCH = re.compile(r"(?:^|\.)(in_proj_)(?:weight|bias)$")
# GPT-2: columns lie as [3, width]; the same name is of rows elsewhere.
GPT2 = re.compile(r"(?:^|\.)attn\.(c_attn)\.(?:weight|bias)$")
# Phi-3, MPT, OLMo and Baichuan: rows of all queries, then of all keys, then of all values.
ROWS = re.compile(r"(?:^|\.)(self_attn\.qkv_proj|attn\.Wqkv|att_proj|W_pack)\.(?:weight|bias)$")
PARTS = ["query", "key", "value"]


@dataclass(frozen=True)
class Fused:
    """The names of a tensor's three parts, and where each lies in it."""

    names: list[str]
    stretches: list[Stretches]


def fused(name: str, tensors: Mapping[str, Tensor], heads: Heads | None, where: str) -> Fused | None:
    """How a tensor is split in three; None of one that is not. Raises UserError where it cannot be known."""
    tensor = tensors[name]
    if not tensor.shape:
        return None
    if found := NEOX.search(name):
        rounds = checked_heads(where, tensor, heads)
        return Fused(named(name, found, PARTS), in_rounds(tensor.numel, rounds))
    if (found := TORCH.search(name)) and is_in_projection(tensor):
        return Fused(named(name, found, [f"{part}." for part in PARTS]), in_rounds(tensor.numel, 1))
    weight = tensors.get(f"{name.rpartition('.')[0]}.weight", tensor)
    if found := GPT2.search(name):
        names = named(name, found, [f"c_attn.{part}" for part in PARTS])
        if weight.shape[1:] == (3 * weight.shape[0],):
            return Fused(
                names, in_rounds(tensor.numel, 1) if tensor is not weight else in_columns(*weight.shape)
            )
        # Rows: of one head of keys they are flat; else in StarCoder by head, and in Qwen flat again.
        return Fused(names, in_rows(tensor, weight, heads, where)) if heads and heads.keys == 1 else None
    if found := ROWS.search(name):
        prefix, _, own = found[1].rpartition(".")
        names = named(name, found, [f"{prefix or own}.{part}" for part in PARTS])
        return Fused(names, in_rows(tensor, weight, heads, where))
    return None


def splits_by_heads(name: str, tensors: Mapping[str, Tensor], heads: Heads) -> bool:
    """Whether the numbers of heads decide how a tensor is split."""
    if NEOX.search(name):
        return True
    if GPT2.search(name):
        weight = tensors.get(f"{name.rpartition('.')[0]}.weight", tensors[name])
        return heads.keys == 1 and weight.shape[1:] != (3 * weight.shape[0],)
    return bool(ROWS.search(name) and heads.keys)


def named(name: str, found: re.Match, parts: list[str]) -> list[str]:
    """The tensor's name with a part in place of what was found."""
    return [name[: found.start(1)] + part + name[found.end(1) :] for part in parts]


def in_rounds(numel: int, rounds: int) -> list[Stretches]:
    """The three parts of a tensor whose rows lie as [rounds, 3, …]."""
    block = numel // (3 * rounds)
    return [[((3 * round_ + part) * block, block) for round_ in range(rounds)] for part in range(3)]


def in_columns(rows: int, columns: int) -> list[Stretches]:
    """The three parts of a matrix whose columns lie as [3, width]."""
    width = columns // 3
    return [[(row * columns + part * width, width) for row in range(rows)] for part in range(3)]


def in_rows(tensor: Tensor, weight: Tensor, heads: Heads | None, where: str) -> list[Stretches]:
    """The three parts of a tensor whose rows are all queries, all keys, all values; `weight` is its module's.

    Keys and values have as many rows as queries where the rows are three times the weight's columns; else the
    numbers of heads say. Raises UserError where they are not known, or do not fit.
    """
    rows = tensor.shape[0]
    if heads and heads.keys:
        size, rest = divmod(rows, heads.all + 2 * heads.keys)
        if rest:
            raise UserError(
                f"{where} has {rows} rows, not a multiple of {heads.all} heads and 2 × {heads.keys} of keys "
                "and values"
            )
        parts = [heads.all * size, heads.keys * size, heads.keys * size]
    elif weight.shape == (rows, rows // 3):
        parts = [rows // 3] * 3
    else:
        raise UserError(
            f"{where} has {rows} rows of queries, keys and values, of which keys and values may have fewer; "
            "give --heads N,M, the heads of all and of keys, or put the model's config.json beside it"
        )
    block, first, found = tensor.numel // rows, 0, []
    for count in parts:
        found.append([(first * block, count * block)])
        first += count
    return found


def checked_heads(where: str, tensor: Tensor, heads: Heads | None) -> int:
    """GPT-NeoX's heads. Raises UserError where there cannot be so many."""
    if heads is None:
        raise UserError(
            f"{where} mixes queries, keys and values head by head; "
            "give --heads N, or put the model's config.json beside it"
        )
    if tensor.shape[0] % (3 * heads.all):
        raise UserError(f"{where} has {tensor.shape[0]} rows, not a multiple of 3 × {heads.all} heads")
    return heads.all


def is_in_projection(tensor: Tensor) -> bool:
    """Whether its shape is that of PyTorch's MultiheadAttention: rows lie as [3, width, …]."""
    rows, *columns = tensor.shape or (0,)
    return rows > 0 and rows % 3 == 0 and columns in ([], [rows // 3])
