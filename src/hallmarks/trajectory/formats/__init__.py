"""The file formats of checkpoints, a module each: a module more in this folder is a format more.

A format maps a tensor's name to file, offset, type, shape and strides; it reads no values, and does not say
which tensors are a model's. Its module has

- `SUFFIXES`: what ends the names of its files, by which a folder of checkpoints is listed;
- `WHOLE`: names of a file that makes its folder one checkpoint, as model hubs lay them out;
- `PRECEDENCE`: of two formats that hold the same model in one folder, the lower is read;
- `recognises(name, beginning)`: whether a file is of this format, by its name and first bytes;
- `read_tensors(file, key)`: all tensors of a file; `key` (a.b) leads to them in one that nests them. One
  whose values do not lie there as they are has, as its type, what it is instead: F8_E4M3, a sparse tensor, …;
- `read_progress(file)`, where a file may say its own step and epoch: these, by its own words for them.
"""

import functools
import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

from hallmarks.errors import UserError
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import open_file, read_bytes

BEGINNING = 8  # bytes
INDEX = ".index.json"

# What people take for a checkpoint, by its first bytes, and what to do about it.
NONE_OF_THESE = {
    b"version ": "a pointer of Git LFS in place of the file; fetch it: git lfs pull",
    b"<!": "a page (HTML), not a checkpoint: the download failed, perhaps for want of a login",
    b"<html": "a page (HTML), not a checkpoint: the download failed, perhaps for want of a login",
    b"<?xml": "an answer in XML, not a checkpoint: the download failed",
    b"\x89HDF": "HDF5, as Keras writes it; save the weights as safetensors or numpy.savez",
    b"\x1f\x8b": "compressed by gzip; gunzip it",
    b"{": "JSON, not a checkpoint",
}
OTHERS = {".msgpack": "msgpack, as Flax writes it", ".gguf": "GGUF", ".onnx": "ONNX", ".keras": "Keras's zip"}


@functools.cache
def formats() -> list[ModuleType]:
    """Every format, by precedence."""
    modules = [
        importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    ]
    return sorted(modules, key=lambda module: module.PRECEDENCE)


def suffixes() -> list[str]:
    """What ends the names of checkpoints, sorted."""
    return sorted({suffix for module in formats() for suffix in module.SUFFIXES})


def suffix_of(name: str) -> str:
    """What ends the name of a checkpoint, "" where nothing does."""
    return max((suffix for suffix in suffixes() if name.endswith(suffix)), key=len, default="")


def whole_files(folder: Path) -> Iterator[Path]:
    """The files that make a folder one checkpoint: each format's, or the index of its shards, in that order.

    That is the order in which transformers' `from_pretrained` looks for them.
    """
    names = (each for module in formats() for name in module.WHOLE for each in (name, name + INDEX))
    return (folder / name for name in names if (folder / name).is_file())


def whole_file(folder: Path) -> Path | None:
    """The file that makes a folder one checkpoint."""
    return next(whole_files(folder), None)


def format_of(file: Path) -> ModuleType:
    """The format of a file, by its name and first bytes. Raises UserError."""
    try:
        with closing(open_file(file)) as opened:
            beginning = read_bytes(opened, 0, BEGINNING)
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from None
    if not file.name.endswith(INDEX):
        for first, told in NONE_OF_THESE.items():
            if beginning.lstrip().startswith(first) and b"\0" not in beginning:
                raise UserError(f"{file}: {told}")
    for module in formats():
        if module.recognises(file.name, beginning):
            return module
    if not beginning:
        raise UserError(f"{file}: empty; it was never finished, or not fetched")
    if file.suffix in OTHERS:
        raise UserError(f"{file}: {OTHERS[file.suffix]}, which is not read; save the weights as safetensors")
    raise UserError(
        f"{file}: neither safetensors nor a torch checkpoint nor numpy's .npz; nothing else is read, "
        "for it could run code"
    )


def read_tensors(file: Path, key: str | None = None) -> dict[str, Tensor]:
    """All tensors of a checkpoint's file, by name. Raises UserError naming file and tensor."""
    return format_of(file).read_tensors(file, key)


def read_progress(file: Path) -> dict[str, float]:
    """The step and epoch that a file says it is of, by its own words for them; {} where it says none."""
    module = format_of(file)
    return module.read_progress(file) if hasattr(module, "read_progress") else {}
