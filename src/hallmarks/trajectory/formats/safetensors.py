"""Safetensors: a JSON header that says where each tensor lies, then the tensors."""

import json
import math
import re
import struct
from contextlib import closing
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import open_file, read_bytes

SUFFIXES = (".safetensors",)
WHOLE = ("model.safetensors",)
PRECEDENCE = 1

DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
INTEGERS = re.compile(r"[IU]\d+$|BOOL$")


def recognises(name: str, beginning: bytes) -> bool:
    return name.endswith(SUFFIXES)


def read_tensors(file: Path, key: str | None = None) -> dict[str, Tensor]:
    """The floating tensors, from the header. Raises UserError naming file and tensor."""
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
            if INTEGERS.match(told["dtype"]):
                continue
            if told["dtype"] not in DTYPES:
                raise UserError(f"{file}: {name} is stored as {told['dtype']}, not one of {list(DTYPES)}")
            shape = tuple(told["shape"])
            strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
            tensor = Tensor(file, 8 + length + begin, DTYPES[told["dtype"]], shape, strides)
            if tensor.bytes != end - begin:
                raise UserError(
                    f"{file}: {name} has {end - begin} bytes, not the {tensor.bytes} of its shape"
                )
            tensors[name] = tensor
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file}: not a safetensors file ({error})") from None
    return tensors
