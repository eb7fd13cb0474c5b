"""What takes the place of what a pickle names: values that keep what they are told and do nothing."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Storage:
    """Bytes that tensors lie in, by the key under which the file keeps them, their type and number."""

    key: str
    dtype: str
    numel: int | None = None


@dataclass(frozen=True)
class Stored:
    """A tensor as a pickle describes it: `place` and `strides` in elements of its storage.

    `dtype` is its type, or says why there are no plain values, as "a sparse tensor" does.
    """

    storage: Storage | None
    dtype: str
    place: int = 0
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()


class StandIn(dict):
    """An object of a class that is never looked up: it keeps the items and the state that it is given."""

    state: Any = None

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__()
        if arguments and type(arguments[0]) is list:  # an ordered dictionary of an old protocol
            self.update(pair for pair in arguments[0] if type(pair) in {tuple, list} and len(pair) == 2)

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __call__(self, *arguments: Any, **named: Any) -> "StandIn":
        return StandIn()

    def append(self, value: Any) -> None: ...

    def extend(self, values: Any) -> None: ...

    def add(self, value: Any) -> None: ...

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class Array(StandIn):
    """A numpy array, whose values lie within the pickle."""


class NumpyType(StandIn):
    """A numpy type: its code, such as i8, is the first thing that it is told."""

    code = ""

    def __init__(self, code: Any = "", *arguments: Any):
        super().__init__()
        self.code = code if isinstance(code, str) else ""

    @property
    def order(self) -> str:
        """`>` where its bytes are in big-endian order."""
        told = self.state[1] if isinstance(self.state, tuple) and len(self.state) > 1 else "<"
        return ">" if told == ">" else "<"
