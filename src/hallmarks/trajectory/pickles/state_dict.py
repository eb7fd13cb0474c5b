"""Where in a torch file the model's tensors are: the state dict, and what the file says of its own step."""

import difflib
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.trajectory.layout import SIZES, dense, plain_strides
from hallmarks.trajectory.pickles.stand_in import Array, StandIn, Stored
from hallmarks.trajectory.tensor import Tensor

DEPTH = 3
SHOWN = 8
OPTIMIZER = re.compile(r"(^|[_.])optim(izers?)?([_.]|$)")
STEPS = ("global_step", "global_steps", "step", "steps", "iteration", "iter", "iter_num", "num_updates")
EPOCHS = ("epoch", "epochs", "current_epoch")


def state_dict(file: Path, content: Any, key: str | None) -> dict[str, Stored]:
    """The tensors at `key` (a.b, where a key may hold dots itself), by name. Raises UserError.

    Without a key, the file itself is the state dict: one that lies within is never chosen unasked.
    """
    inner = content if key is None else at_key(file, content, key)
    at = f" at {key}" if key else ""
    if is_optimizer(inner):
        raise UserError(f"{file}: holds an optimizer's state{at}, not a model's")
    nested = [f"{key}.{name}" if key else name for name in state_dicts(inner)]
    if nested:
        listed = " or ".join(f"--key {name}" for name in nested[:SHOWN])
        beside = " itself, but tensors beside one" if holds_tensors(inner) else ""
        raise UserError(f"{file}: holds no state dict{at}{beside}; give {listed}")
    found = named_tensors(inner)
    if not found:
        raise UserError(f"{file}: holds no state dict{at}")
    others = (
        [name for name, value in inner.items() if isinstance(value, dict | list | tuple)]
        if (isinstance(inner, dict))
        else []
    )
    if others and all(value.shape == () for value in found.values()):
        raise UserError(
            f"{file}: of tensors it holds single numbers alone{at}, such as {next(iter(found))}, "
            f"and nothing that can be read as a model in {', '.join(map(str, others[:SHOWN]))}"
        )
    return found


def named_tensors(value: Any) -> dict[str, Stored]:
    """The tensors that a value holds itself: a state dict, a pickled module, a list, or one tensor."""
    if is_module(value):
        value = dict(of_module(value))
    if isinstance(value, Stored):
        value = {"parameters": value}
    if isinstance(value, list | tuple):
        value = dict(enumerate(value)) if all(isinstance(each, Stored) for each in value) else {}
    if not isinstance(value, dict):
        return {}
    return {
        str(name): Stored(None, "a numpy array in the pickle") if isinstance(each, Array) else each
        for name, each in value.items()
        if isinstance(each, Stored | Array)
    }


def at_key(file: Path, content: Any, key: str) -> Any:
    """What lies at a key. Raises UserError that says what would be there."""
    for inner, rest in ways(content, key):
        if not rest:
            return inner
    known = [*state_dicts(content)] or ([*map(str, content)] if isinstance(content, dict) else [])
    if holds_tensors(content) and not list(state_dicts(content)):
        raise UserError(f"{file}: --key {key}: the file is a state dict itself; leave --key out")
    near = difflib.get_close_matches(key, known, n=1)
    told = f"; did you mean {near[0]}?" if near else f", only {', '.join(known[:SHOWN])}" if known else ""
    told += f" and {len(known) - SHOWN} more" if not near and len(known) > SHOWN else ""
    raise UserError(f"{file}: --key {key}: there is no such state dict{told}")


def ways(content: Any, key: str) -> Iterator[tuple[Any, str]]:
    """Every way to follow a dotted key: what is reached, and what of the key is left."""
    yield content, key
    if isinstance(content, dict):
        for name, inner in content.items():
            if str(name) == key:
                yield inner, ""
            elif key.startswith(f"{name}."):
                yield from ways(inner, key.removeprefix(f"{name}."))


def state_dicts(content: Any, depth: int = DEPTH) -> Iterator[str]:
    """The keys that lead to state dicts within a value, optimizers' left out."""
    if not isinstance(content, dict):
        return
    for name, inner in content.items():
        if OPTIMIZER.search(str(name)) or is_optimizer(inner):
            continue
        if not isinstance(inner, Stored) and holds_tensors(inner):
            yield str(name)
        elif depth > 1:
            yield from (f"{name}.{rest}" for rest in state_dicts(inner, depth - 1))


def is_optimizer(value: Any) -> bool:
    """Whether this is the state dict of one of torch's optimizers."""
    return isinstance(value, dict) and "param_groups" in value


def holds_tensors(value: Any) -> bool:
    return bool(named_tensors(value))


def is_module(value: Any) -> bool:
    """Whether this stands in for a torch module that was pickled as a whole."""
    return isinstance(value, StandIn) and isinstance(value.state, dict) and "_parameters" in value.state


def of_module(module: StandIn, prefix: str = "", depth: int = 50) -> Iterator[tuple[str, Any]]:
    """A pickled module's parameters by name: it says itself which of its tensors are none."""
    for name, value in module.state["_parameters"].items():
        yield f"{prefix}{name}", value
    for name, inner in (module.state.get("_modules") or {}).items():
        if is_module(inner) and depth:
            yield from of_module(inner, f"{prefix}{name}.", depth - 1)


def said_progress(content: Any) -> dict[str, float]:
    """The step and the epoch that a file says it is of, by the file's own word for it."""
    if not isinstance(content, dict):
        return {}
    found = {name: content.get(name) for name in (*STEPS, *EPOCHS)}
    return {
        name: value for name, value in found.items() if type(value) in {int, float} and math.isfinite(value)
    }


def located(
    file: Path, stored: dict[str, Stored], place_of: Callable[[Stored], tuple[int, int]]
) -> dict[str, Tensor]:
    """Where each tensor lies; `place_of` says where a storage begins and ends. Raises UserError.

    A tensor without plain values keeps, as its type, the word that says why.
    """
    tensors = {}
    for name, value in stored.items():
        size = SIZES.get(value.dtype)
        if value.storage is None or size is None:
            tensors[name] = Tensor(file, 0, value.dtype, value.shape, value.strides)
            continue
        begin, end = place_of(value)
        numel = math.prod(value.shape)
        dtype = value.dtype if dense(value.shape, value.strides) else "a view with gaps"
        offset = begin + value.place * size
        if dtype == value.dtype and (value.place < 0 or offset + numel * size > end):
            raise UserError(f"{file}: cut: {name} ends past the {end - begin} bytes that are kept for it")
        tensors[name] = Tensor(file, offset, dtype, value.shape, plain_strides(value.shape, value.strides))
    return tensors
