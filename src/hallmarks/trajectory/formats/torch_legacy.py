"""Torch's format before 1.6: pickles one after another, then each storage's bytes behind its length."""

import functools
import struct
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

from hallmarks.errors import UserError
from hallmarks.trajectory.layout import SIZES
from hallmarks.trajectory.pickles.restricted import Restricted, read_pickle
from hallmarks.trajectory.pickles.stand_in import Storage, Stored
from hallmarks.trajectory.pickles.state_dict import located, said_progress, state_dict
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import open_file, stream_of, version_of

SUFFIXES = ()
WHOLE = ()
PRECEDENCE = 3

MAGIC = 0x1950A86A20F9469CFC6C
BEGINNING = b"\x80\x02\x8a\nl\xfc\x9cF"  # the pickle of MAGIC
PROTOCOL = 1001


def recognises(name: str, beginning: bytes) -> bool:
    return beginning == BEGINNING


def read_tensors(file: Path, key: str | None = None) -> dict[str, Tensor]:
    """The tensors at `key` (a.b), of any type. Raises UserError naming file and tensor."""
    content, places = opened(file)
    return located(file, state_dict(file, content, key), lambda stored: place(file, places, stored))


def read_progress(file: Path) -> dict[str, float]:
    """The step and epoch that the file says it is of."""
    return said_progress(opened(file)[0])


def place(file: Path, places: dict[str, tuple[int, int]], stored: Stored) -> tuple[int, int]:
    if stored.storage.key not in places:
        raise UserError(f"{file}: cut: it lacks the storage {stored.storage.key} of a tensor")
    return places[stored.storage.key]


def opened(file: Path) -> tuple[Any, dict[str, tuple[int, int]]]:
    """What the pickle holds, and where each storage begins and ends. Raises UserError."""
    try:
        return _opened(file, *version_of(file))
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from None


@functools.lru_cache(maxsize=2)  # tensors and progress are asked for one after the other
def _opened(file: Path, *changed: int) -> tuple[Any, dict[str, tuple[int, int]]]:
    with closing(open_file(file)) as opened, stream_of(opened) as stream:
        magic, protocol, machine = (read_pickle(stream, str(file)) for _ in range(3))
        if magic != MAGIC or protocol != PROTOCOL or not isinstance(machine, dict):
            raise UserError(f"{file}: cut, or not a torch checkpoint")
        if not machine.get("little_endian", True):
            raise UserError(
                f"{file}: was saved on a big-endian machine; load it with torch and save it again here"
            )
        reader = Whole(stream, str(file))
        content = read_pickle(stream, str(file), reader)
        keys = read_pickle(stream, str(file))
        return content, _places(file, keys, reader.storages, stream, opened.size())


class Whole(Restricted):
    """Refuses views of storages."""

    def persistent_load(self, told: Any) -> Any:
        found = super().persistent_load(told)
        if isinstance(found, Storage) and len(told) > 5 and told[5] is not None:
            raise UserError(f"{self.where}: holds views of storages, as torch before 0.4 did; save it again")
        return found


def _places(
    file: Path, keys: Any, storages: dict[str, Storage], stream: BinaryIO, size: int
) -> dict[str, tuple[int, int]]:
    places, at = {}, stream.tell()
    for key in keys if isinstance(keys, list) else []:
        storage = storages.get(str(key))
        if storage is None or storage.dtype not in SIZES:
            raise UserError(f"{file}: holds a storage of {storage.dtype if storage else 'an unknown type'}")
        stream.seek(at)
        told = stream.read(8)
        if len(told) < 8:
            raise UserError(f"{file}: cut: it ends at byte {size}")
        begin = at + 8
        at = begin + struct.unpack("<q", told)[0] * SIZES[storage.dtype]
        if not begin <= at <= size:
            raise UserError(f"{file}: cut: a storage ends at byte {at} of {size}")
        places[str(key)] = begin, at
    return places
