"""Torch's zip files: only tensors are loaded, never code. torch itself opens them, so from a disk only."""

import os
import pickle
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.tensor import ITEM_BYTES, Tensor

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")
WHOLE = ("pytorch_model.bin",)
PRECEDENCE = 2


def recognises(name: str, beginning: bytes) -> bool:
    return beginning.startswith(b"PK\x03\x04")


def read_tensors(file: Path, key: str | None = None) -> dict[str, Tensor]:
    """The floating tensors at `key` (a.b). No data is read and no code run: fake tensors, weights only.

    Raises UserError naming file and tensor.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    try:
        with FakeTensorMode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(file, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        called = re.search(r"GLOBAL (\S+)", str(error))
        what = f" ({called.group(1)})" if called else ""
        raise UserError(
            f"{file}: refused: it holds more than tensors{what}, which could run code; "
            "save its state dict alone"
        ) from None
    except (RuntimeError, ValueError, EOFError, KeyError, OSError) as error:
        raise UserError(f"{file}: cut, or not a torch checkpoint ({str(error).splitlines()[0]})") from None
    size = os.path.getsize(file)
    tensors, seen = {}, set()
    for name, value in state_dict(file, content, key).items():
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            continue
        dtype = str(value.dtype).removeprefix("torch.")
        if dtype not in ITEM_BYTES:
            raise UserError(f"{file}: {name} is stored as {dtype}, not one of {list(ITEM_BYTES)}")
        shape, strides = tuple(value.shape), tuple(value.stride())
        if not dense(shape, strides):
            raise UserError(f"{file}: {name} is a view with gaps; save it contiguous")
        start = value.untyped_storage()._checkpoint_offset
        tensor = Tensor(file, start + value.storage_offset() * ITEM_BYTES[dtype], dtype, shape, strides)
        if tensor.offset + tensor.bytes > size:
            raise UserError(f"{file}: cut: {name} ends past its {size} bytes")
        if (tensor.offset, shape) not in seen or not tensor.numel:  # tied weights count once
            tensors[name] = tensor
        seen.add((tensor.offset, shape))
    return tensors


def dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements fill one stretch of memory, in any order of the axes."""
    expected = 1
    for stride, length in sorted(zip(strides, shape, strict=True)):
        if length == 1:
            continue
        if stride != expected:
            return False
        expected *= length
    return True


def state_dict(file: Path, content: object, key: str | None) -> dict:
    """The state dict at `key` (a.b) of what a file holds."""

    def holds_tensors(value: object) -> bool:
        return isinstance(value, dict) and any(hasattr(inner, "untyped_storage") for inner in value.values())

    for part in key.split(".") if key else []:
        if not isinstance(content, dict) or part not in content:
            known = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
            raise UserError(f"{file}: --key {key}: there is no {part}, only {known}")
        content = content[part]
    if holds_tensors(content):
        return content
    nested = (
        [str(name) for name, value in content.items() if holds_tensors(value)]
        if isinstance(content, dict)
        else []
    )
    advice = f"; give --key {' or --key '.join(nested)}" if nested else ""
    raise UserError(f"{file}: holds no state dict{f' at {key}' if key else ''}{advice}")
