"""The names in a pickle that stand for more than an inert object: tensors, their types, plain containers.

Each function only notes what it is told. None is torch's, numpy's or the pickle's own.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from hallmarks.trajectory.pickles.stand_in import Array, NumpyType, StandIn, Storage, Stored

STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "UntypedStorage": "uint8",
}


def tensor(storage: Any, place: int, shape: tuple, strides: tuple, *more: Any) -> Stored:
    """`_rebuild_tensor`, `_v2` (…, needs gradient, hooks, flags), and `_v3`, with the type before flags."""
    if not isinstance(storage, Storage):
        return Stored(None, "a tensor of an unknown storage")
    dtype = next((told for told in more if isinstance(told, str)), storage.dtype)
    flags = next((told for told in more[2:] if type(told) is dict), {})
    lazy = [word for flag, word in {"neg": "negated", "conj": "conjugated"}.items() if flags.get(flag)]
    dtype = f"a view that is {' and '.join(lazy)} when it is read" if lazy else dtype
    return Stored(storage, dtype, int(place), tuple(map(int, shape)), tuple(map(int, strides)))


def first(*arguments: Any) -> Any:
    """What wraps its first argument, as a parameter does its tensor."""
    return arguments[0] if arguments else None


def unreadable(what: str) -> Callable[..., Stored]:
    return lambda *arguments: Stored(None, what)


UNREADABLE = {
    "_rebuild_sparse_tensor": unreadable("a sparse tensor"),
    "_rebuild_sparse_csr_tensor": unreadable("a sparse tensor"),
    "_rebuild_qtensor": unreadable("a quantised tensor"),
    "_rebuild_nested_tensor": unreadable("a nested tensor"),
    "_rebuild_meta_tensor_no_storage": unreadable("a tensor without values, of the device meta"),
    "_rebuild_wrapper_subclass": unreadable("a tensor of a subclass"),
    "_rebuild_device_tensor_from_numpy": unreadable("a numpy array in the pickle"),
}
MADE_OF_TENSORS = {tensor, first, *UNREADABLE.values()}


def typed(function: Any, kind: Any, arguments: tuple, state: Any = None) -> Any:
    """`_rebuild_from_type_v2`: a tensor of a subclass; `function` is one of these, or is not called."""
    made = function(*arguments) if function in MADE_OF_TENSORS else Stored(None, "a tensor of a subclass")
    if isinstance(made, Stored) and made.storage is None and "subclass" in made.dtype:
        return Stored(None, f"a {getattr(kind, '__name__', 'tensor of a subclass')}")
    return made


def plain(kind: type, taken: set[type]) -> Callable[..., Any]:
    """The construction of a plain type, of an argument of plain types alone."""
    return lambda *arguments: kind(arguments[0]) if arguments and type(arguments[0]) in taken else kind()


def reconstructed(kind: Any = None, *arguments: Any) -> StandIn:
    return kind() if isinstance(kind, type) and issubclass(kind, StandIn) else StandIn()


def encoded(text: Any = "", *encoding: Any) -> bytes:
    """The bytes of a pickle of protocol 2, which are kept as text."""
    return text.encode("latin1") if isinstance(text, str) else b""


def number(kind: Any = None, content: Any = b"") -> Any:
    """A numpy scalar: a number where it is an integer or floating, else a stand-in."""
    code = kind.code if isinstance(kind, NumpyType) else ""
    if code[:1] not in {"i", "u", "f"} or type(content) is not bytes or code[1:] != str(len(content)):
        return StandIn()
    return np.frombuffer(content, np.dtype(f"{kind.order}{code}"))[0].item()


BUILTINS = {
    "dict": StandIn,
    **{kind.__name__: plain(kind, {list, tuple}) for kind in (list, tuple, set, frozenset)},
    **{kind.__name__: plain(kind, {int, float, bool}) for kind in (int, float, bool)},
}
KNOWN: dict[tuple[str, str], Any] = {
    **{(module, name): value for module in ("builtins", "__builtin__") for name, value in BUILTINS.items()},
    **{(module, name): dtype for module in ("torch", "torch.storage") for name, dtype in STORAGES.items()},
    **{("torch._utils", name): function for name, function in UNREADABLE.items()},
    **{("torch._utils", f"_rebuild_tensor{version}"): tensor for version in ("", "_v2", "_v3")},
    ("torch._utils", "_rebuild_parameter"): first,
    ("torch._utils", "_rebuild_parameter_with_state"): first,
    ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"): first,
    ("torch._tensor", "_rebuild_from_type_v2"): typed,
    ("torch", "Size"): plain(tuple, {list, tuple}),
    **{(module, "_reconstructor"): reconstructed for module in ("copyreg", "copy_reg")},
    ("_codecs", "encode"): encoded,
    ("numpy", "dtype"): NumpyType,
    **{(f"numpy.{core}.multiarray", "scalar"): number for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "_reconstruct"): lambda *told: Array() for core in ("core", "_core")},
}
