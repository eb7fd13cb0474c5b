"""A published trajectory, by its address or as a run that was fetched, as points to compute with."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

from hallmarks.errors import UserError
from hallmarks.trajectory.checkpoints import Checkpoints, Choice
from hallmarks.trajectory.hub.address import Address
from hallmarks.trajectory.hub.cache import Cache
from hallmarks.trajectory.hub.fetched import LOCK
from hallmarks.trajectory.hub.listing import Hub, is_offline
from hallmarks.trajectory.hub.lock import Lock, Revision
from hallmarks.trajectory.hub.points import Place, points_of
from hallmarks.trajectory.hub.revisions import look_up
from hallmarks.trajectory.transport.remote import RemoteFile


def find(sources: Sequence[Path | Address], key: str | None, as_given: bool, choice: Choice) -> Checkpoints:
    """The points of an address. Raises UserError."""
    address = sources[0]
    if len(sources) > 1 or not isinstance(address, Address):
        raise UserError(f"{address}: an address of the hub stands alone; name all its revisions in one")
    if choice.skip:
        raise UserError(f"{address}: --skip is of a folder's files; name the revisions that count")
    hub = Hub()
    lock, names = locked(address, choice.lock, hub, as_given)
    return points_of(lock, place_in(hub, choice), choice, key, names)


def find_fetched(folder: Path, key: str | None, given: Choice) -> Checkpoints:
    """The points of a run that was fetched: its lock, and in `trajectory.json` what was chosen."""
    cache = given.cache
    if key is not None or given != Choice(cache=cache):
        raise UserError(
            f"{folder}: a run that was fetched, whose settings say what counts; give --cache alone"
        )
    lock, chosen = Lock.read(folder / LOCK), read_choice(folder)
    choice = Choice(
        tuple(chosen["only"]),
        tuple(chosen["leave_out"]),
        weights=chosen["weights"],
        allow_duplicates=chosen["allow_duplicates"],
        cache=cache,
    )
    return points_of(lock, place_in(Hub(), choice), choice, None, chosen["revisions"])


def read_choice(folder: Path) -> dict:
    path = folder / "trajectory.json"
    try:
        return json.loads(path.read_text())["fetched"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path}: does not say what of the revisions counts ({error})") from None


def locked(address: Address, path: Path | None, hub: Hub, as_given: bool) -> tuple[Lock, list[str] | None]:
    """The lock of an address, and which of its revisions: the file's where it is there, else written."""
    if path is None or not path.exists():
        lock = look_up(address, hub, as_given)
        if path:
            lock.write(path)
        return lock, None
    lock = Lock.read(path)
    if lock.address == str(address):
        return lock, None
    names = [str(pattern) for pattern in address.revisions]
    here = {revision.name for revision in lock.revisions}
    repositories = {revision.repository for revision in lock.revisions}
    if names and repositories == {address.repository.text} and here.issuperset(names):
        return lock, names
    lacking = next((name for name in names if name not in here), None)
    said = f"has no {lacking}" if lacking and repositories == {address.repository.text} else "is of another"
    raise UserError(f"{path}: the lock of {lock.address} {said}; give --lock another file for {address}")


def place_in(hub: Hub, choice: Choice) -> Place:
    """Where a revision's file is read: on the hub; or on a disk, where it is kept or nothing is asked."""
    if choice.cache or is_offline():
        return Cache(choice.cache, hub).place
    return partial(remote, hub.endpoint)


def remote(endpoint: str, revision: Revision, name: str) -> RemoteFile:
    """A file as it is read from the hub, at its commit."""
    inside = f"{revision.folder}/{name}" if revision.folder else name
    file = revision.files[name]
    url = f"{endpoint}/{revision.repository}/resolve/{revision.commit}/{quote(inside)}"
    return RemoteFile(url, file.size, file.digest, file.sha256, f"{revision.label}/{inside}")
