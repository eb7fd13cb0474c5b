"""Numpy's `.npz`: a zip file of arrays, each behind a header of its own."""

import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np

from hallmarks.errors import UserError
from hallmarks.trajectory.formats.torch_zip import bytes_of
from hallmarks.trajectory.layout import SIZES, contiguous
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import open_file, stream_of

SUFFIXES = (".npz",)
WHOLE = ()
PRECEDENCE = 4


def recognises(name: str, beginning: bytes) -> bool:
    return name.endswith(".npz") and beginning.startswith(b"PK\x03\x04")


def read_tensors(file: Path, key: str | None = None) -> dict[str, Tensor]:
    """The arrays of a file, of any type. Raises UserError naming file and array."""
    if key is not None:
        raise UserError(f"{file}: --key {key}: arrays in an .npz have no key; leave it out")
    try:
        with (
            closing(open_file(file)) as opened,
            stream_of(opened) as stream,
            zipfile.ZipFile(stream) as archive,
        ):
            tensors = {}
            for entry in archive.infolist():
                name, (begin, end) = entry.filename.removesuffix(".npy"), bytes_of(file, entry, stream)
                if begin < 0:
                    raise UserError(f"{file}: {name} is compressed; write it by numpy.savez")
                stream.seek(begin)
                shape, by_columns, kind = _header(stream)
                strides = contiguous(shape[::-1])[::-1] if by_columns else contiguous(shape)
                dtype = kind.name if kind.byteorder != ">" and kind.name in SIZES else kind.str
                tensor = Tensor(file, stream.tell(), dtype, shape, strides)
                if dtype in SIZES and tensor.offset + tensor.numel * SIZES[dtype] != end:
                    raise UserError(f"{file}: cut: {name} does not end where its shape says")
                tensors[name] = tensor
    except zipfile.BadZipFile as error:
        raise UserError(f"{file}: cut, or not numpy's .npz ({error})") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error})") from None
    # zipfile's NotImplementedError is an unknown compression, its RuntimeError an encrypted file.
    except (ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{file}: cut, or not numpy's .npz ({error})") from None
    return tensors


def names_of(file: Path) -> list[str]:
    """The names of a file's arrays. Raises UserError."""
    try:
        with zipfile.ZipFile(file) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(f"{file}: cut, or not numpy's .npz ({error})") from None


def _header(stream: object) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)
