"""`torch.distributed.checkpoint`: `.distcp` files, and `.metadata`, which says what lies where in them.

A tensor that several ranks wrote is so many tensors here, by the part that each holds: `weight[0:512]`. What
is summed over a model is the same.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.trajectory.formats.torch_zip import place, read_archive
from hallmarks.trajectory.pickles.restricted import read_pickle
from hallmarks.trajectory.pickles.stand_in import Storage, Stored
from hallmarks.trajectory.pickles.state_dict import EPOCHS, STEPS, located, said_progress, state_dict
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import Window, open_file, stream_of

SUFFIXES = ()
WHOLE = (".metadata",)
PRECEDENCE = 5

Entry = tuple[
    tuple[str, ...], str, dict[str, Any]
]  # the keys to a value, the rows that it holds, where it lies


def recognises(name: str, beginning: bytes) -> bool:
    return name in WHOLE


def read_tensors(file: Path, key: str | None = None) -> dict[str, Tensor]:
    """The tensors at `key` (a.b), of any type. Raises UserError naming file and tensor."""
    content: dict[str, Any] = {}
    entries: dict[str, dict[str, Any]] = {}
    for path, rows, lies in entries_of(file, tensors=True):
        inner = content
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        mark = f"{'.'.join(path)}{rows}"
        entries[mark] = lies
        inner[path[-1] + rows] = Stored(Storage(mark, "float32"), "float32")
    tensors = {}
    for name, stored in state_dict(file, content, key).items():
        tensors |= {name: _tensor(file, name, entries[stored.storage.key])}
    return tensors


def read_progress(file: Path) -> dict[str, float]:
    """The step and epoch that the checkpoint says it is of."""
    told = {}
    for path, _, lies in entries_of(file, tensors=False):
        if path[-1] in {*STEPS, *EPOCHS} and len(path) == 1:
            told[path[-1]] = _within(file, lies)[0]
    return said_progress(told)


def entries_of(file: Path, tensors: bool) -> Iterator[Entry]:
    """What `.metadata` lists: tensors, or all else. Raises UserError where it is none."""
    try:
        with closing(open_file(file)) as opened, stream_of(opened) as stream:
            told = read_pickle(stream, str(file)).state
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from None
    try:
        kinds, paths = told["state_dict_metadata"], told.get("planner_data") or {}
        for index, lies in told["storage_data"].items():
            name = index.state["fqn"]
            kind = kinds[name].state
            if (kind is not None) != tensors:
                continue
            path = tuple(str(part) for part in paths.get(name, (name,)))
            yield path, _rows(kind, index.state["offset"]) if tensors else "", lies.state
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"{file}: not what torch.distributed.checkpoint writes ({error!r})") from None


def _rows(kind: dict[str, Any], offset: tuple[int, ...]) -> str:
    """Which part of a tensor a file holds, "" where it is all of it."""
    if len(kind["chunks"]) == 1:
        return ""
    chunk = next(chunk.state for chunk in kind["chunks"] if tuple(chunk.state["offsets"]) == tuple(offset))
    spans = [f"{at}:{at + count}" for at, count in zip(chunk["offsets"], chunk["sizes"], strict=True)]
    whole = [f"0:{length}" for length in kind["size"]]
    while len(spans) > 1 and spans[-1] == whole[-1]:
        spans, whole = spans[:-1], whole[:-1]
    return f"[{', '.join(spans)}]"


def _tensor(file: Path, name: str, lies: dict[str, Any]) -> Tensor:
    content, places = _within(file, lies)
    if not isinstance(content, Stored):
        raise UserError(f"{file}: {name} is no tensor where .metadata says")
    path = file.parent / str(lies["relative_path"])
    found = located(path, {name: content}, lambda stored: place(path, places, stored))[name]
    return replace(found, offset=found.offset + lies["offset"])


def _within(file: Path, lies: dict[str, Any]) -> tuple[Any, dict[str, tuple[int, int]]]:
    """What one entry holds: a small torch file of its own within a `.distcp` file."""
    path = file.parent / str(lies["relative_path"])
    try:
        with closing(open_file(path)) as opened:
            part = Window(opened, int(lies["offset"]), int(lies["length"]))
            with stream_of(part) as stream:
                return read_archive(path, stream)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
