"""Queries, keys and values by depth: which slices of a kernel they are, and when each has settled."""

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from hallmarks.errors import UserError
from hallmarks.kernel.file import Kernel

ROLES = ("query", "key", "value")
# What the common architectures call them; fused ones are split before, under the first of these.
CALLED = {
    "query": {"query", "q_proj", "q_lin", "query_proj", "wq", "q"},
    "key": {"key", "k_proj", "k_lin", "key_proj", "wk", "k"},
    "value": {"value", "v_proj", "v_lin", "value_proj", "wv", "v"},
}
# The number of a block, in the names of the common architectures: `layers.3.`, `h.3.`, `encoder_layer_3.`
LAYER = re.compile(r"(?:^|[._])(?:layers?|h|blocks?|resblocks)[._](\d+)(?=\.)")
LEVEL = 0.95


def layer_of(name: str) -> int | None:
    """The block that a parameter is of, from 0; None of one that is of none."""
    found = LAYER.search(name)
    return int(found[1]) if found else None


def role_of(name: str) -> str | None:
    """Whether a parameter is of queries, keys or values; None where it is of neither."""
    parts = {part.lower() for part in name.split(".")}
    return next((role for role, names in CALLED.items() if parts & names), None)


def qkv_weights(names: Iterable[str]) -> dict[tuple[str, int], str]:
    """The weights of queries, keys, values by (role, layer), in order. Raises UserError for two of one."""
    found: dict[tuple[str, int], str] = {}
    for name in names:
        role, layer = role_of(name), layer_of(name)
        if role is None or layer is None or name.rpartition(".")[2] == "bias":
            continue
        if (other := found.setdefault((role, layer), name)) != name:
            raise UserError(
                f"{other} and {name} are both of the {role} of layer {layer}; a picture by depth is of one "
                "stack of layers, so leave the other out (--only, --leave-out)"
            )
    return dict(sorted(found.items(), key=lambda item: (ROLES.index(item[0][0]), item[0][1])))


def merged(kernel: Kernel, names: list[str], label: str) -> Kernel:
    """The kernel of several parameters taken together, one slice."""
    at = [kernel.groups.index(name) for name in names]
    gram = kernel.increments_gram[at].sum(axis=0, keepdims=True)
    numel = kernel.numel[at].sum(keepdims=True)
    return replace(kernel, increments_gram=gram, groups=[label], numel=numel, digests=None)


def settled_from(matrix: np.ndarray, position: np.ndarray, level: float = LEVEL) -> float:
    """Where cos(θ_t, θ_T), the last column of a map, is `level` or more for good, between points in a line.

    The first position where it never was less; NaN where θ_T has no direction.
    """
    cosine = matrix[:, -1]
    (less,) = np.nonzero(~(cosine >= level))  # what is undefined has not settled
    if not len(less):
        return float(position[0])
    last = less[-1]
    if last + 1 == len(cosine):
        return np.nan
    if not np.isfinite(cosine[last]):
        return float(position[last + 1])
    share = (level - cosine[last]) / (cosine[last + 1] - cosine[last])
    return float(position[last] + share * (position[last + 1] - position[last]))
