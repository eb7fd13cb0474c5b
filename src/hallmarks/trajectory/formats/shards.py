"""An index of shards: a checkpoint in several files, and a JSON file that says which tensor is in which."""

import json
from collections.abc import Mapping
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory import formats
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import read_whole
from hallmarks.trajectory.transport.remote import RemoteFile

SUFFIXES = ()
WHOLE = ()  # an index stands for any format's: formats.whole_files
PRECEDENCE = 0


def recognises(name: str, beginning: bytes) -> bool:
    return name.endswith(formats.INDEX)


def shards_of(file: Path) -> dict[str, str]:
    """Which shard each tensor is in. Raises UserError where the file is no index, or a shard is not there."""
    places = read_index(file)
    for shard in sorted(set(places.values())):
        if not (file.parent / shard).exists():
            lost = sum(place == shard for place in places.values())
            raise UserError(
                f"{file.parent / shard}: is not there, though {file.name} says that {lost} tensors are "
                f"in it; fetch it, or save the checkpoint again (the index names {len(set(places.values()))} "
                "shards)"
            )
    return places


def read_index(file: Path | RemoteFile) -> dict[str, str]:
    """The shard of each tensor, as an index says it. Raises UserError where the file is none."""
    try:
        places = json.loads(read_whole(file))["weight_map"]
        shards = sorted(set(places.values()))
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise UserError(f"{file}: not an index of shards ({error})") from None
    for shard in shards:
        if recognises(shard, b""):
            raise UserError(f"{file}: not an index of shards ({shard} is an index too)")
    return places


def read_tensors(file: Path, key: str | None = None) -> dict[str, Tensor]:
    """The tensors of all shards. Raises UserError where the index and its shards do not agree."""
    places = shards_of(file)
    shards = {shard: formats.read_tensors(file.parent / shard, key) for shard in sorted(set(places.values()))}
    return merged(file, places, {shard: (file.parent / shard, found) for shard, found in shards.items()})


def merged(
    file: Path | RemoteFile,
    places: dict[str, str],
    shards: Mapping[str, tuple[Path | RemoteFile, dict[str, Tensor]]],
) -> dict[str, Tensor]:
    """The tensors of an index's shards, each with where it lies. Raises UserError where they do not agree."""
    tensors: dict[str, Tensor] = {}
    for where, found in shards.values():
        for name in found.keys() & tensors.keys():
            raise UserError(f"{where}: holds {name}, which another shard of {file.name} holds too")
        tensors |= found
    for name, shard in places.items():
        if name not in tensors:
            raise UserError(f"{shards[shard][0]}: lacks the tensor {name} that {file.name} says is in it")
    return tensors
