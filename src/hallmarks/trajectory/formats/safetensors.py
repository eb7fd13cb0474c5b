"""Safetensors: a JSON header that says where each tensor lies, then the tensors."""

import json
import struct
from contextlib import closing
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.layout import SIZES, contiguous
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import open_file, read_bytes

SUFFIXES = (".safetensors",)
WHOLE = ("model.safetensors", "adapter_model.safetensors", "diffusion_pytorch_model.safetensors")
PRECEDENCE = 1

DTYPES = {
    **{"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "BOOL": "bool"},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{"C64": "complex64", "C128": "complex128"},
}


def recognises(name: str, beginning: bytes) -> bool:
    return name.endswith(SUFFIXES)


def read_tensors(file: Path, key: str | None = None) -> dict[str, Tensor]:
    """The tensors, of any type, from the header. Raises UserError naming file and tensor."""
    if key is not None:
        raise UserError(f"{file}: --key {key}: tensors in safetensors have no key; leave it out")
    try:
        with closing(open_file(file)) as opened:
            size = opened.size()
            start = read_bytes(opened, 0, 8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
            if 8 + length > size:
                raise UserError(f"{file}: cut, or not safetensors: its header goes past its {size} bytes")
            header = json.loads(read_bytes(opened, 8, length))
        header.pop("__metadata__", None)
        tensors = {}
        for name, told in header.items():
            begin, end = told["data_offsets"]
            if 8 + length + end > size:
                raise UserError(f"{file}: cut: {name} ends at byte {8 + length + end} of {size}")
            dtype, shape = DTYPES.get(told["dtype"], told["dtype"]), tuple(told["shape"])
            tensor = Tensor(file, 8 + length + begin, dtype, shape, contiguous(shape))
            needed = tensor.numel * SIZES.get(dtype, 0)
            if dtype in SIZES and needed != end - begin:
                raise UserError(f"{file}: {name} has {end - begin} bytes, not the {needed} of its shape")
            tensors[name] = tensor
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file}: not a safetensors file ({error})") from None
    return tensors
