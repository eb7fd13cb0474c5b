"""Where each parameter of each point lies on disk, for our trajectories and for other people's checkpoints.

Only headers are read here. Known are safetensors (sharded with an index too) and torch's zip files; of the
latter only tensors are loaded, never code.
"""

import json
import math
import os
import pickle
import re
import struct
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.store import read

ITEM_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
SAFETENSORS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
SAFETENSORS_INTEGERS = re.compile(r"[IU]\d+$|BOOL$")
BUFFERS = re.compile(
    r"(^|\.)(running_mean|running_var|num_batches_tracked"
    r"|attention\.bias|attention\.masked_bias|rotary_emb\.inv_freq)$"
)
SUFFIXES = {".safetensors", ".pt", ".pth", ".bin", ".ckpt"}
WHOLE = (
    "model.safetensors.index.json",
    "pytorch_model.bin.index.json",
    "model.safetensors",
    "pytorch_model.bin",
)
NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Tensor:
    """One parameter of one point: `offset` bytes into `file`, in memory order; `strides` in elements."""

    file: Path
    offset: int
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.numel * ITEM_BYTES[self.dtype]


@dataclass(frozen=True)
class Checkpoint:
    """One point: the path to name it by, when it was taken, its parameters by name, in the file's order.

    `sha256` is what its file must hash to, where that is recorded and asked for.
    """

    path: Path
    step: int
    epoch: float
    tensors: dict[str, Tensor]
    sha256: str | None = None


@dataclass(frozen=True)
class Checkpoints:
    """The points in order; `diverged` is "" or how the run ended, `heads` the attention heads if known."""

    points: list[Checkpoint]
    diverged: str
    heads: int | None


def find(
    sources: Sequence[Path], key: str | None = None, as_given: bool = False, verify: bool = True
) -> Checkpoints:
    """The points of a trajectory, a folder of checkpoints, or listed checkpoints, put in natural order.

    `key` (a.b) leads to the state dict in torch files, `as_given` keeps the order listed, `verify` gives our
    own trajectories' recorded SHA-256 to whoever reads them. Raises UserError naming file and tensor.
    """
    if len(sources) == 1 and (sources[0] / "trajectory.json").exists():
        return _trajectory(sources[0], verify)
    paths = _listed(sources)
    if not as_given:
        paths = natural_order(paths)
    steps = _steps(paths)
    points = [
        Checkpoint(path, step, math.nan, _tensors(path, key)) for path, step in zip(paths, steps, strict=True)
    ]
    _compare(points)
    return Checkpoints(points, "", _heads(paths[0]))


def _trajectory(folder: Path, verify: bool) -> Checkpoints:
    trajectory = read(folder)
    if not trajectory.points:
        raise UserError(f"{folder}: the trajectory has no points")
    if not any((folder / point.file).exists() for point in trajectory.points):
        raise UserError(
            f"{folder}: its points were removed, trajectory.json alone is left; train the run again, "
            "with keep_trajectories: true to keep them"
        )
    points = []
    for point in trajectory.points:
        path = folder / point.file
        tensors = _safetensors(path)
        for name, told in trajectory.parameters.items():
            if name in tensors and list(tensors[name].shape) != told["shape"]:
                raise UserError(
                    f"{path}: {name} has the shape {list(tensors[name].shape)}, not {told['shape']}"
                )
        missing = sorted(trajectory.parameters.keys() ^ tensors.keys())
        if missing:
            raise UserError(f"{path}: its tensors differ from trajectory.json's, {missing[0]} among them")
        tensors = {name: tensors[name] for name in trajectory.parameters}
        points.append(Checkpoint(path, point.step, point.epoch, tensors, point.sha256 if verify else None))
    end = trajectory.diverged
    diverged = (
        f"diverged at epoch {end['epoch']:g}, step {end['step']}, learning rate {end['learning_rate']:g}"
        if end
        else ""
    )
    return Checkpoints(points, diverged, _heads(points[0].path))


def _listed(sources: Sequence[Path]) -> list[Path]:
    """Files, or folders that are one checkpoint, as points; a folder of several is opened."""
    paths: list[Path] = []
    for source in sources:
        if not source.exists():
            raise UserError(f"{source}: no such trajectory.json, checkpoint or folder of checkpoints")
        if source.is_file() or _whole(source):
            paths.append(source)
            continue
        inside = [
            path
            for path in source.iterdir()
            if not path.name.startswith(".")
            and ((path.is_file() and path.suffix in SUFFIXES) or (path.is_dir() and _whole(path)))
        ]
        if not inside:
            raise UserError(
                f"{source}: holds no checkpoint ({', '.join(sorted(SUFFIXES))}) and no trajectory.json"
            )
        paths += sorted(inside)
    return paths


def _whole(folder: Path) -> Path | None:
    """The file that makes a folder one checkpoint, as model hubs lay them out."""
    return next((folder / name for name in WHOLE if (folder / name).is_file()), None)


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """Sort by the numbers in the names. Raises UserError where the names do not tell the order."""
    paths = list(paths)
    if len(paths) < 2:
        return paths

    def refuse(one: Path, other: Path) -> UserError:
        return UserError(
            f"{one} and {other}: their order cannot be told from their names; list the files in order "
            "and give --as-given"
        )

    texts = {}
    for path in paths:
        texts.setdefault(NUMBER.sub("#", _stem(path)), path)
    if len(texts) > 1:
        raise refuse(*list(texts.values())[:2])
    decimal = sorted(paths, key=lambda path: [float(number) for number in NUMBER.findall(_stem(path))])
    whole = sorted(paths, key=lambda path: [int(number) for number in re.findall(r"\d+", _stem(path))])
    for one, other in zip(decimal, whole, strict=True):
        if one != other:
            raise refuse(one, other)
    for one, other in zip(decimal, decimal[1:], strict=False):
        if [float(x) for x in NUMBER.findall(_stem(one))] == [float(x) for x in NUMBER.findall(_stem(other))]:
            raise refuse(one, other)
    return decimal


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.name.removesuffix(path.suffix)


def _steps(paths: Sequence[Path]) -> list[int]:
    """The first number that varies among the names, if it grows and is whole; else the place in the list."""
    columns = list(zip(*(re.findall(r"\d+", _stem(path)) for path in paths), strict=False))
    for column in columns:
        steps = [int(number) for number in column]
        if all(one < other for one, other in zip(steps, steps[1:], strict=False)):
            return steps
    return list(range(len(paths)))


def _heads(path: Path) -> int | None:
    """The number of attention heads that a config.json beside the weights gives, if one is there."""
    config = (path if path.is_dir() else path.parent) / "config.json"
    try:
        heads = json.loads(config.read_text()).get("num_attention_heads")
    except (OSError, ValueError, AttributeError):
        return None
    return heads if isinstance(heads, int) else None


def _compare(points: Sequence[Checkpoint]) -> None:
    """Raise UserError where a point lacks a tensor of the first, has one more, or another shape."""
    first = points[0]
    for point in points[1:]:
        for name in first.tensors:
            if name not in point.tensors:
                raise UserError(f"{point.path}: lacks the tensor {name} that {first.path} holds")
        for name, tensor in point.tensors.items():
            if name not in first.tensors:
                raise UserError(f"{point.path}: holds the tensor {name} that {first.path} lacks")
            expected = first.tensors[name]
            if tensor.shape != expected.shape:
                raise UserError(
                    f"{point.path}: {name} has the shape {list(tensor.shape)}, "
                    f"not {list(expected.shape)} as in {first.path}"
                )
            if tensor.strides != expected.strides:
                raise UserError(
                    f"{point.path}: {name} is laid out in another memory order than in {first.path}; "
                    "save it contiguous"
                )


def _tensors(path: Path, key: str | None) -> dict[str, Tensor]:
    """The parameters of one checkpoint, buffers left out, in the order of their files."""
    file = _whole(path) if path.is_dir() else path
    if file is None:
        raise UserError(f"{path}: not a checkpoint")
    tensors: dict[str, Tensor] = {}
    if file.name.endswith(".index.json"):
        try:
            shards = sorted(set(json.loads(file.read_text())["weight_map"].values()))
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise UserError(f"{file}: not an index of shards ({error})") from None
        for shard in shards:
            tensors |= _file(file.parent / shard, key)
    else:
        tensors = _file(file, key)
    tensors = {name: tensor for name, tensor in tensors.items() if not BUFFERS.search(name)}
    if not tensors:
        raise UserError(f"{path}: holds no parameter")
    return dict(sorted(tensors.items(), key=lambda item: (str(item[1].file), item[1].offset)))


def _file(path: Path, key: str | None) -> dict[str, Tensor]:
    try:
        with open(path, "rb") as file:
            beginning = file.read(4)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if path.suffix == ".safetensors":
        return _safetensors(path)
    if beginning != b"PK\x03\x04":
        raise UserError(
            f"{path}: neither safetensors nor a torch checkpoint in the zip format (torch.save since 1.6); "
            "it is not opened, for an older pickle could run code"
        )
    return _torch(path, key)


def _safetensors(path: Path) -> dict[str, Tensor]:
    """The floating tensors of a safetensors file, from its header."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
            if 8 + length > size:
                raise UserError(f"{path}: cut, or not safetensors: its header goes past its {size} bytes")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        tensors = {}
        for name, told in header.items():
            begin, end = told["data_offsets"]
            if 8 + length + end > size:
                raise UserError(f"{path}: cut: {name} ends at byte {8 + length + end} of {size}")
            if SAFETENSORS_INTEGERS.match(told["dtype"]):
                continue
            if told["dtype"] not in SAFETENSORS:
                raise UserError(
                    f"{path}: {name} is stored as {told['dtype']}, not one of {list(SAFETENSORS)}"
                )
            shape = tuple(told["shape"])
            tensor = Tensor(path, 8 + length + begin, SAFETENSORS[told["dtype"]], shape, _contiguous(shape))
            if tensor.bytes != end - begin:
                raise UserError(
                    f"{path}: {name} has {end - begin} bytes, not the {tensor.bytes} of its shape"
                )
            tensors[name] = tensor
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not a safetensors file ({error})") from None
    return tensors


def _contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _torch(path: Path, key: str | None) -> dict[str, Tensor]:
    """The floating tensors of a torch file. No data is read and no code run: fake tensors, weights only."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    try:
        with FakeTensorMode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        called = re.search(r"GLOBAL (\S+)", str(error))
        what = f" ({called.group(1)})" if called else ""
        raise UserError(
            f"{path}: refused: it holds more than tensors{what}, which could run code; "
            "save its state dict alone"
        ) from None
    except (RuntimeError, ValueError, EOFError, KeyError, OSError) as error:
        raise UserError(f"{path}: cut, or not a torch checkpoint ({str(error).splitlines()[0]})") from None
    state = _state(path, content, key)
    size = os.path.getsize(path)
    tensors, seen = {}, set()
    for name, value in state.items():
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            continue
        dtype = str(value.dtype).removeprefix("torch.")
        if dtype not in ITEM_BYTES:
            raise UserError(f"{path}: {name} is stored as {dtype}, not one of {list(ITEM_BYTES)}")
        shape, strides = tuple(value.shape), tuple(value.stride())
        if not _dense(shape, strides):
            raise UserError(f"{path}: {name} is a view with gaps; save it contiguous")
        start = value.untyped_storage()._checkpoint_offset
        tensor = Tensor(path, start + value.storage_offset() * ITEM_BYTES[dtype], dtype, shape, strides)
        if tensor.offset + tensor.bytes > size:
            raise UserError(f"{path}: cut: {name} ends past its {size} bytes")
        if (tensor.offset, shape) not in seen or not tensor.numel:  # tied weights count once
            tensors[name] = tensor
        seen.add((tensor.offset, shape))
    return tensors


def _dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements fill one stretch of memory, in any order of the axes."""
    expected = 1
    for stride, length in sorted(zip(strides, shape, strict=True)):
        if length == 1:
            continue
        if stride != expected:
            return False
        expected *= length
    return True


def _state(path: Path, content: object, key: str | None) -> dict:
    """The state dict at `key` (a.b) of what a torch file holds."""

    def holds_tensors(value: object) -> bool:
        return isinstance(value, dict) and any(hasattr(inner, "untyped_storage") for inner in value.values())

    for part in key.split(".") if key else []:
        if not isinstance(content, dict) or part not in content:
            known = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
            raise UserError(f"{path}: --key {key}: there is no {part}, only {known}")
        content = content[part]
    if holds_tensors(content):
        return content
    nested = (
        [str(name) for name, value in content.items() if holds_tensors(value)]
        if isinstance(content, dict)
        else []
    )
    advice = f"; give --key {' or --key '.join(nested)}" if nested else ""
    raise UserError(f"{path}: holds no state dict{f' at {key}' if key else ''}{advice}")
