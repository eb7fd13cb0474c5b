"""Where the bytes of one parameter of one point lie."""

import math
from dataclasses import dataclass
from pathlib import Path

ITEM_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


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
