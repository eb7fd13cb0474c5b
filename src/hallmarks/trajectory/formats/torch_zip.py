"""Torch's zip files: a directory at the end, a pickle that describes the tensors, and their bytes.

Only these are read, by the restricted unpickler; torch is not needed.
"""

import functools
import io
import struct
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.trajectory.layout import SIZES
from hallmarks.trajectory.pickles.restricted import Restricted, read_pickle
from hallmarks.trajectory.pickles.stand_in import Stored
from hallmarks.trajectory.pickles.state_dict import located, said_progress, state_dict
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import RawStream, open_file, stream_of, version_of

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".pth.tar", ".pt.tar")
WHOLE = ("pytorch_model.bin", "adapter_model.bin", "diffusion_pytorch_model.bin")
PRECEDENCE = 2

Places = dict[str, tuple[int, int]]
LOCAL_HEADER = struct.Struct("<4s22xHH")
BEGINS = b"PK\x03\x04"
LARGE = 2**32 - 1  # sizes and offsets from which on a zip file tells them in an extra field
FILL = 4  # bytes of an extra field without content


def recognises(name: str, beginning: bytes) -> bool:
    return beginning.startswith(BEGINS) and not name.endswith(".npz")


def read_tensors(file: Path, key: str | None = None) -> dict[str, Tensor]:
    """The tensors at `key` (a.b), of any type. Raises UserError naming file and tensor."""
    content, places = opened(file)
    return located(file, state_dict(file, content, key), lambda stored: place(file, places, stored))


def read_progress(file: Path) -> dict[str, float]:
    """The step and epoch that the file says it is of."""
    return said_progress(opened(file)[0])


def place(file: Path, places: Places, stored: Stored) -> tuple[int, int]:
    """Where a tensor's storage begins and ends. Raises UserError."""
    if stored.storage.key not in places:
        raise UserError(f"{file}: cut: it lacks the storage {stored.storage.key} of a tensor")
    begin, end = places[stored.storage.key]
    if begin < 0:
        raise UserError(f"{file}: its tensors are compressed; load it with torch and save it again")
    return begin, end


def opened(file: Path) -> tuple[Any, Places]:
    """What the pickle holds, and where each storage begins and ends. Raises UserError."""
    try:
        version = version_of(file)
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from None
    return _opened(file, *version)


@functools.lru_cache(maxsize=2)  # tensors and progress are asked for one after the other
def _opened(file: Path, *changed: int) -> tuple[Any, Places]:
    try:
        with closing(open_file(file)) as opened, stream_of(opened) as stream:
            return read_archive(file, stream)
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error})") from None


def read_archive(file: Path, stream: io.BufferedReader) -> tuple[Any, Places]:
    """What the pickle in a zip file holds, and where in `stream` each storage begins and ends.

    A place of −1 is of compressed bytes. Raises UserError and OSError.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            return _read(file, archive, stream)
    # zipfile's NotImplementedError is an unknown compression, its RuntimeError an encrypted file.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise UserError(f"{file}: cut, or not a torch checkpoint ({error})") from None


def _read(file: Path, archive: zipfile.ZipFile, stream: io.BufferedReader) -> tuple[Any, Places]:
    names = {name.partition("/")[2]: name for name in archive.namelist()}
    if "constants.pkl" in names:
        raise UserError(
            f"{file}: TorchScript, a program (torch.jit.save); save the state dict: "
            "torch.save(torch.jit.load(FILE).state_dict(), …)"
        )
    if "data.pkl" not in names:
        raise UserError(f"{file}: a zip file, but not one of torch: it lacks data.pkl")
    without_checksums = not any(entry.CRC for entry in archive.infolist() if entry.file_size)
    if without_checksums:  # torch.serialization.set_crc32_options(False)
        for entry in archive.infolist():
            entry.CRC = None  # and zipfile compares none
    if "byteorder" in names and archive.read(names["byteorder"]).strip() == b"big":
        raise UserError(
            f"{file}: was saved on a big-endian machine; load it with torch and save it again here"
        )
    stream_of_pickle = archive.open(names["data.pkl"])
    reader = Restricted(stream_of_pickle, str(file))
    content = read_pickle(stream_of_pickle, str(file), reader)
    if without_checksums:
        compare_sizes(file, reader, {short: archive.getinfo(name) for short, name in names.items()})
    ends = ends_of(archive)
    alignment = archive.read(names[".storage_alignment"]) if ".storage_alignment" in names else b"64"
    places = {}
    for short, name in names.items():
        if short.startswith("data/"):
            entry = archive.getinfo(name)
            place = promised(file, entry, ends[name], int(alignment), stream) or bytes_of(file, entry, stream)
            places[short.removeprefix("data/")] = place
    return content, places


def compare_sizes(file: Path, reader: Restricted, entries: Mapping[str, zipfile.ZipInfo]) -> None:
    """Raise UserError unless each storage has as many bytes as the pickle says, in place of checksums."""
    for key, storage in reader.storages.items():
        entry, size = entries.get(f"data/{key}"), SIZES.get(storage.dtype)
        if entry and size and storage.numel is not None and entry.file_size != storage.numel * size:
            told = f"{entry.filename} has {entry.file_size} bytes, not the {storage.numel * size} that its"
            raise UserError(f"{file}: cut, or not a torch checkpoint ({told} pickle says)")


def ends_of(archive: zipfile.ZipFile) -> dict[str, int]:
    """Where the next entry begins, or the directory."""
    entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    begins = [*(entry.header_offset for entry in entries[1:]), archive.start_dir]
    return {entry.filename: begin for entry, begin in zip(entries, begins, strict=True)}


def promised(
    file: Path, entry: zipfile.ZipInfo, end: int, alignment: int, stream: io.BufferedReader
) -> tuple[int, int] | None:
    """Where an entry's bytes lie as torch's writer places them, where its own header is checked with them.

    A file that is far away says so: a request for each header would take longer than the tensors. None
    where they would not end, but for what describes them, where the next entry begins.
    """
    name, large, far = len(entry.filename.encode()), entry.file_size >= LARGE, entry.header_offset >= LARGE
    extra = FILL + (FILL if large or far else 0) + (16 if large else 0) + (8 if far else 0)
    begin = entry.header_offset + LOCAL_HEADER.size + name + extra
    begin = -(-begin // alignment) * alignment
    if entry.compress_type != zipfile.ZIP_STORED or end - begin - entry.file_size not in (0, 16, 24):
        return None

    def check(before: bytes) -> None:
        own = LOCAL_HEADER.unpack(before[: LOCAL_HEADER.size])
        named = before[LOCAL_HEADER.size : LOCAL_HEADER.size + name] == entry.filename.encode()
        if own[0] != BEGINS or not named or LOCAL_HEADER.size + own[1] + own[2] != len(before):
            raise misplaced(file, entry)

    later = stream.raw.file.check_later(entry.header_offset, begin, check)
    return (begin, begin + entry.file_size) if later else None


def misplaced(file: Path, entry: zipfile.ZipInfo) -> UserError:
    return UserError(f"{file}: cut, or not a torch checkpoint ({entry.filename} is not where it should be)")


def bytes_of(file: Path, entry: zipfile.ZipInfo, stream: io.BufferedReader) -> tuple[int, int]:
    """Where an entry's bytes begin and end, by its own header: the directory does not say its length."""
    if entry.compress_type != zipfile.ZIP_STORED:
        return -1, -1
    headers = RawStream(stream.raw.file)  # many, far apart: nothing is read ahead
    headers.seek(entry.header_offset)
    header = headers.read(LOCAL_HEADER.size)
    if len(header) < LOCAL_HEADER.size or not header.startswith(BEGINS):
        raise misplaced(file, entry)
    _, name, extra = LOCAL_HEADER.unpack(header)
    begin = entry.header_offset + LOCAL_HEADER.size + name + extra
    return begin, begin + entry.file_size
