"""What is wrong with a published trajectory, or with a lock of it: lines, of which some are findings."""

from hallmarks.errors import UserError
from hallmarks.files import size
from hallmarks.trajectory.hub.address import MAIN, Address, parse_address
from hallmarks.trajectory.hub.families import Family, families_of
from hallmarks.trajectory.hub.listing import Hub, Listing, revision_at
from hallmarks.trajectory.hub.lock import Lock, Revision
from hallmarks.trajectory.hub.points import family_said
from hallmarks.trajectory.hub.revisions import kept

SHORT = 10  # characters of a digest
SHOWN = 6


def compared(lock: Lock, weights: str | None = None) -> tuple[list[str], list[str]]:
    """What a lock holds, in lines; and what is wrong with it. Raises UserError where weights are missing."""
    family, *others = families_of(lock, weights)
    names = [revision.name for revision in lock.revisions]
    ends = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
    said = [f"{lock.address}: {len(names)} revisions, {ends}"]
    found = []
    for each in [family, *others]:
        said.append(
            f"{each.name}: {size(each.bytes)}, {each.distinct} distinct of {len(each.weights)} revisions"
        )
        found += [f"{each.name}: {equal}" for equal in each.equal]
        if each.lacking:
            found.append(f"{each.name}: is not in {', '.join(each.lacking[:SHOWN])}")
    said.append(f"read: {family_said(family, others)}; {points_said(family, len(names))}")
    return said, found


def points_said(family: Family, n: int) -> str:
    """How many revisions are points, and which are missing."""
    doubted = list(family.doubted)
    if not doubted:
        return f"{n} points"
    names = ", ".join(doubted[:SHOWN]) + (", …" if len(doubted) > SHOWN else "")
    return f"{n - len(doubted)} points, {len(doubted)} missing ({names})"


def differing(lock: Lock, hub: Hub) -> list[str]:
    """What of a lock the hub no longer has as it is locked, a line a revision. Raises UserError."""
    address = parse_address(lock.address)
    refs = {name: hub.refs(name) for name in sorted({revision.repository for revision in lock.revisions})}
    lines = []
    for revision in lock.revisions:
        name = ref_of(address, revision)
        commit = refs[revision.repository].get(name)
        if commit == revision.commit or name == revision.commit:
            continue
        there = found_at(hub, revision.repository, revision.commit)
        reads = "the lock reads it" if there else "that commit is gone, and the lock reads it no more"
        if commit is None:
            lines.append(f"{revision.label}: no branch or tag {name} any more; {reads}")
            continue
        now = kept(
            revision_at(
                revision.name, revision.repository, hub.listing(revision.repository, commit), revision.folder
            )
        )
        lines.append(
            f"{revision.label}: moved from {revision.commit[:SHORT]} to {commit[:SHORT]}, "
            f"{changed(revision, now)}; {reads}"
        )
    return lines


def ref_of(address: Address, revision: Revision) -> str:
    """The branch or tag that a revision was looked up by."""
    if address.folders or not address.repository.names_one:
        return address.revisions[0].text if address.revisions else MAIN
    return revision.name


def found_at(hub: Hub, repository: str, commit: str) -> Listing | None:
    try:
        return hub.listing(repository, commit)
    except UserError:
        return None


def changed(before: Revision, now: Revision) -> str:
    """Which files are others."""
    names = sorted(before.files.keys() | now.files.keys())
    digests = {
        name: [each.files[name].digest if name in each.files else "" for each in (before, now)]
        for name in names
    }
    others = [
        f"{name} {'is gone' if not new else 'is new' if not old else 'is another'}"
        for name, (old, new) in digests.items()
        if old != new
    ]
    return f"{', '.join(others[:SHOWN])}" if others else "with the same files"
