"""An index of shards: a checkpoint in several files, and a JSON file that says which tensor is in which."""

import json
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory import formats
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import read_whole

SUFFIXES = ()
WHOLE = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
PRECEDENCE = 0


def recognises(name: str, beginning: bytes) -> bool:
    return name.endswith(".index.json")


def read_tensors(file: Path, key: str | None = None) -> dict[str, Tensor]:
    """The tensors of all shards. Raises UserError where the file is no index."""
    try:
        shards = sorted(set(json.loads(read_whole(file))["weight_map"].values()))
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UserError(f"{file}: not an index of shards ({error})") from None
    tensors: dict[str, Tensor] = {}
    for shard in shards:
        if recognises(shard, b""):
            raise UserError(f"{file}: not an index of shards ({shard} is an index too)")
        tensors |= formats.read_tensors(file.parent / shard, key)
    return tensors
