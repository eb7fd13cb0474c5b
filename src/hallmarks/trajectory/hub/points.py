"""Locked revisions as points: which family of files is read, which are no points, which tensors count."""

import json
import math
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.checkpoints import Checkpoints, Choice, Heads, heads_in
from hallmarks.trajectory.formats import INDEX, read_tensors
from hallmarks.trajectory.formats.shards import merged, read_index
from hallmarks.trajectory.hub.families import Family, Weights, families_of
from hallmarks.trajectory.hub.lock import Lock, Revision
from hallmarks.trajectory.hub.steps import counting, step_of
from hallmarks.trajectory.others.by_names import Order
from hallmarks.trajectory.others.find import as_checkpoints
from hallmarks.trajectory.tensor import Tensor
from hallmarks.trajectory.transport import read_whole
from hallmarks.trajectory.transport.remote import RemoteFile

Place = Callable[[Revision, str], Path | RemoteFile]

AT_ONCE = 16  # headers read side by side
CONFIG = "config.json"
SHOWN = 6


def points_of(
    lock: Lock, place: Place, choice: Choice, key: str | None = None, names: Sequence[str] | None = None
) -> Checkpoints:
    """The points of a lock, or those of these names, by where each file lies. Raises UserError.

    Of equal weights under different steps none is a point, unless the choice allows it; they are missing.
    """
    family, others, revisions, missing = chosen(lock, choice, names)
    kept = [revision for revision in revisions if revision.name not in missing]
    weights = [family.weights[revision.name] for revision in kept]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tensors = list(pool.map(lambda each: tensors_of(*each, place, key), zip(kept, weights, strict=True)))
    labelled = [(Path(revision.label), each) for revision, each in zip(kept, tensors, strict=True)]
    left = [f"{beside.name} (the same model again)" for beside in others if beside.weights]
    left += missed(missing, family)
    order, steps = order_of(revisions, missing)
    found = as_checkpoints(labelled, order, choice, left, heads_of(kept[0], place))
    said = f"{found.understood}; read: {family_said(family, others)}"
    return replace(found, understood=said, missing=steps, duplicates_allowed=choice.allow_duplicates)


def chosen(
    lock: Lock, choice: Choice, names: Sequence[str] | None = None
) -> tuple[Family, list[Family], list[Revision], list[str]]:
    """The family that is read, the others, the revisions in the lock's order, and the names of those missing.

    Raises UserError where a revision has no such weights, or none is left.
    """
    family, *others = families_of(lock, choice.weights)
    revisions = [each for each in lock.revisions if names is None or each.name in names]
    if lacking := [revision for revision in revisions if revision.name not in family.weights]:
        raise UserError(
            f"{lacking[0].label}: holds no {family.name}, which others hold; give --weights, or leave it out"
        )
    doubted = {} if choice.allow_duplicates else family.doubted
    missing = [revision.name for revision in revisions if revision.name in doubted]
    if len(missing) == len(revisions):
        raise UserError(
            f"{lock.address}: no revision is a point: {next(iter(doubted.values()))}; --allow-duplicates "
            "takes them all the same"
        )
    return family, others, revisions, missing


def family_said(family: Family, others: Sequence[Family]) -> str:
    """Which family is read, and why: it has more distinct revisions than the others, or comes first."""
    counted = [f"{each.name}, {each.distinct} distinct of {len(each.weights)}" for each in [family, *others]]
    return counted[0] + (f" (beside {'; '.join(counted[1:])})" if others else "")


def missed(missing: Sequence[str], family: Family) -> list[str]:
    """What to say of revisions that are no points."""
    if not missing:
        return []
    names = ", ".join(missing[:SHOWN]) + (", …" if len(missing) > SHOWN else "")
    revisions = f"{len(missing)} revision{'s' if len(missing) > 1 else ''}"
    return [f"{revisions} with weights of another step ({names}; {family.doubted[missing[0]]})"]


def order_of(revisions: Sequence[Revision], missing: Collection[str]) -> tuple[Order, tuple[int, ...]]:
    """The order of the points, those that are not missing, and the steps of those that are.

    Steps by the names where all say one, else places among all that are listed.
    """
    order = order_of_all(revisions)
    kept = [place for place, revision in enumerate(revisions) if revision.name not in missing]
    steps, epochs = ([told[place] for place in kept] for told in (order.steps, order.epochs))
    lost = tuple(step for place, step in enumerate(order.steps) if place not in kept)
    return replace(order, places=list(range(len(kept))), steps=steps, epochs=epochs), lost


def order_of_all(revisions: Sequence[Revision]) -> Order:
    n = len(revisions)
    steps = [step_of(revision.name) for revision in revisions]
    known = [step for step in steps if step is not None]
    if len(known) < n or any(a >= b for a, b in zip(known, known[1:], strict=False)):
        return Order(list(range(n)), list(range(n)), [math.nan] * n, "as listed", "point")
    numbers = [number for revision in revisions if (number := counting(revision.name))]
    kind = next((number.kind for number in numbers if number.kind), "number")
    if kind == "epoch":
        return Order(list(range(n)), list(range(n)), [float(step) for step in known], "by epoch", "epoch")
    return Order(list(range(n)), known, [math.nan] * n, f"by {kind}", kind)


def tensors_of(revision: Revision, weights: Weights, place: Place, key: str | None) -> dict[str, Tensor]:
    """All tensors of a revision's weights, from headers alone. Raises UserError."""
    file = place(revision, weights.file)
    if not weights.file.endswith(INDEX):
        return read_tensors(file, key)
    folder = weights.file[: weights.file.rfind("/") + 1]
    places = {name: f"{folder}{shard}" for name, shard in read_index(file).items()}
    for shard in sorted(set(places.values())):
        if shard not in revision.files:
            lost = sum(where == shard for where in places.values())
            raise UserError(
                f"{revision.label}: {weights.file} says that {lost} tensors are in {shard}, which is not "
                "there; leave this revision out, or tell its owner"
            )
    shards = {shard: place(revision, shard) for shard in sorted(set(places.values()))}
    return merged(file, places, {shard: (where, read_tensors(where, key)) for shard, where in shards.items()})


def heads_of(revision: Revision, place: Place) -> Heads | None:
    """The heads of attention, as the model's configuration says them."""
    if CONFIG not in revision.files:
        return None
    try:
        return heads_in(json.loads(read_whole(place(revision, CONFIG))))
    except (OSError, ValueError):
        return None
