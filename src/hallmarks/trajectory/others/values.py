"""The values of a few tensors, where they decide what is a parameter."""

import functools
import hashlib
from collections.abc import Sequence
from contextlib import closing

import numpy as np

from hallmarks.errors import UserError
from hallmarks.trajectory.layout import COMPLEX, SIZES
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import open_file, read_bytes, read_into
from hallmarks.trajectory.transport.remote import RemoteFile

CHUNK = 2**20  # bytes


def sampled(tensor: Tensor, indices: Sequence[tuple[int, ...]]) -> np.ndarray:
    """The elements at some indices. Raises UserError."""
    size = SIZES[tensor.dtype]
    offsets = [sum(i * stride for i, stride in zip(at, tensor.strides, strict=True)) for at in indices]
    try:
        with closing(open_file(tensor.file)) as file:
            content = b"".join(read_bytes(file, tensor.offset + offset * size, size) for offset in offsets)
    except OSError as error:
        raise UserError(f"{tensor.file}: cannot be read ({error.strerror})") from None
    return converted(np.frombuffer(content, np.uint8), tensor.dtype)


def values(tensor: Tensor) -> np.ndarray:
    """All elements, in the order of the axes. Raises UserError where the file ends before."""
    raw = np.empty(tensor.numel * SIZES[tensor.dtype], np.uint8)
    try:
        with closing(open_file(tensor.file)) as file:
            got = read_into(file, tensor.offset, memoryview(raw)) if raw.size else 0
    except OSError as error:
        raise UserError(f"{tensor.file}: cannot be read ({error.strerror})") from None
    if got < raw.size:
        raise UserError(f"{tensor.file}: cut: ends at byte {tensor.offset + got}")
    flat = converted(raw, tensor.dtype)
    return np.lib.stride_tricks.as_strided(
        flat, tensor.shape, [stride * flat.itemsize for stride in tensor.strides], writeable=False
    )


def converted(raw: np.ndarray, dtype: str) -> np.ndarray:
    if dtype == "bfloat16":
        return (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return raw.view(np.dtype(dtype))


def equal(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors of one shape hold the same values, NaN too. Raises UserError."""
    if (one.file, one.offset, one.dtype, one.strides) == (
        other.file,
        other.offset,
        other.dtype,
        other.strides,
    ):
        return True
    if (one.dtype, one.strides) == (other.dtype, other.strides):
        return _equal_bytes(one, other)
    return np.array_equal(values(one), values(other), equal_nan=True)


@functools.lru_cache(maxsize=65536)
def digest_of(tensor: Tensor) -> bytes:
    """SHA-256 of a tensor that is far away, so that it is fetched once, whatever it is compared with."""
    content = bytearray(tensor.numel * SIZES[tensor.dtype])
    with closing(open_file(tensor.file)) as file:
        if read_into(file, tensor.offset, memoryview(content)) < len(content):
            raise UserError(f"{tensor.file}: cut")
    return hashlib.sha256(content).digest()


def _equal_bytes(one: Tensor, other: Tensor) -> bool:
    if isinstance(one.file, RemoteFile) and isinstance(other.file, RemoteFile):
        return digest_of(one) == digest_of(other)
    size = one.numel * SIZES[one.dtype]
    try:
        with closing(open_file(one.file)) as a, closing(open_file(other.file)) as b:
            for at in range(0, size, CHUNK):
                count = min(CHUNK, size - at)
                if read_bytes(a, one.offset + at, count) != read_bytes(b, other.offset + at, count):
                    return False
    except OSError as error:
        raise UserError(f"{error.filename or one.file}: cannot be read ({error.strerror})") from None
    return True


def as_reals(tensor: Tensor) -> Tensor:
    """A complex tensor as the pairs of numbers that it is; any other as it is."""
    if tensor.dtype not in COMPLEX:
        return tensor
    strides = (*(2 * stride for stride in tensor.strides), 1)
    return Tensor(tensor.file, tensor.offset, COMPLEX[tensor.dtype], (*tensor.shape, 2), strides)


def transposed(tensor: Tensor) -> Tensor:
    return Tensor(tensor.file, tensor.offset, tensor.dtype, tensor.shape[::-1], tensor.strides[::-1])
