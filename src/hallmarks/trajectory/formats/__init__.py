"""The file formats of checkpoints, a module each: a module more in this folder is a format more.

A format maps a tensor's name to file, offset, type, shape and strides; it reads no values. Its module has

- `SUFFIXES`: what ends the names of its files, by which a folder of checkpoints is listed;
- `WHOLE`: names of a file that makes its folder one checkpoint, as model hubs lay them out;
- `PRECEDENCE`: of two such files in one folder, the lower stands for it;
- `recognises(name, beginning)`: whether a file is of this format, by its name and first bytes;
- `read_tensors(file, key)`: the floating tensors of a file; `key` (a.b) leads to them in one that nests them.
"""

import functools
import importlib
import pkgutil
from contextlib import closing
from pathlib import Path
from types import ModuleType

from hallmarks.errors import UserError
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import open_file, read_bytes

BEGINNING = 8  # bytes


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


def whole_file(folder: Path) -> Path | None:
    """The file that makes a folder one checkpoint."""
    names = (name for module in formats() for name in module.WHOLE)
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read_tensors(file: Path, key: str | None = None) -> dict[str, Tensor]:
    """The floating tensors of a checkpoint's file, by name. Raises UserError naming file and tensor."""
    try:
        with closing(open_file(file)) as opened:
            beginning = read_bytes(opened, 0, BEGINNING)
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from None
    for module in formats():
        if module.recognises(file.name, beginning):
            return module.read_tensors(file, key)
    raise UserError(
        f"{file}: neither safetensors nor a torch checkpoint in the zip format (torch.save since 1.6); "
        "it is not opened, for an older pickle could run code"
    )
