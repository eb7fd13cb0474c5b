"""An address and what the hub has → the revisions that it names, of one template, by their steps."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from hallmarks.errors import UserError
from hallmarks.trajectory.formats import INDEX
from hallmarks.trajectory.hub.address import MAIN, SCHEME, Address, Pattern
from hallmarks.trajectory.hub.listing import Hub, missing, revision_at, shown
from hallmarks.trajectory.hub.lock import File, Lock, Revision
from hallmarks.trajectory.hub.steps import step_of, template_of
from hallmarks.trajectory.others.weights import is_weights

CONFIG = "config.json"
EXAMPLES = 4


def look_up(address: Address, hub: Hub, as_given: bool = False) -> Lock:
    """What the hub has for an address, now. Raises UserError."""
    if not address.repository.names_one:
        return of_repositories(address, hub, as_given)
    if address.folders:
        return of_folders(address, address.folders, hub, as_given)
    repository, refs = address.repository.text, hub.refs(address.repository.text)
    if not address.revisions:
        if set(refs) <= {MAIN}:
            raise UserError(
                f"{address}: has no revision but main: its points may be folders, {address}#folder/, or "
                f"repositories of their own, {address}-step*"
            )
        raise UserError(
            f"{address}: which of its revisions? It has {groups(refs)}; give them behind an @, as "
            f"{address}@{next(iter(by_template(refs))).replace('#', '*')}"
        )
    names = chosen(address.revisions, list(refs), repository, as_given)
    listings = hub.listings(
        [(repository, refs.get(name, name), name) for name in [*names, *beside_main(refs)]]
    )
    found = [
        kept(revision_at(name, repository, listing)) for name, listing in zip(names, listings, strict=False)
    ]
    main = kept(revision_at(MAIN, repository, listings[-1])) if beside_main(refs) else None
    return Lock(str(address), found, main, last_of(refs, names))


def of_folders(address: Address, folders: Pattern, hub: Hub, as_given: bool) -> Lock:
    """The folders of one revision."""
    repository = address.repository.text
    revision = address.revisions[0].text if address.revisions else MAIN
    if address.revisions and revision not in (refs := hub.refs(repository)) and not is_commit(revision):
        raise missing(repository, revision, list(refs))
    listing = hub.listing(repository, revision)
    depth = folders.text.count("/") + 1
    there = {
        "/".join(parts[:depth])
        for name in listing.files
        if is_point_file((parts := name.split("/"))[-1]) and len(parts) > depth
    }
    named = [name for name in sorted(there) if folders.matches(name)]
    if not named:
        said = f"folders with weights are {shown(sorted(there))}" if there else "no folder has weights"
        raise UserError(f"{address}: no folder is so named; {said}")
    names = in_order(folders, named, f"{repository}@{revision}", as_given, "folders")
    found = [kept(revision_at(name.rpartition("/")[2], repository, listing, name)) for name in names]
    return Lock(str(address), found, None, last_of(named, names).rpartition("/")[2])


def of_repositories(address: Address, hub: Hub, as_given: bool) -> Lock:
    """A repository a step."""
    there = hub.repositories(address.repository)
    if not there:
        raise UserError(f"{address}: no repository is so named on {hub.endpoint}")
    names = in_order(address.repository, there, address.repository.text, as_given, "repositories")
    revision = address.revisions[0].text if address.revisions else MAIN
    listings = hub.listings([(name, revision, revision) for name in names])
    found = [
        kept(revision_at(name.rpartition("/")[2], name, listing))
        for name, listing in zip(names, listings, strict=True)
    ]
    return Lock(str(address), found, None, last_of(there, names).rpartition("/")[2])


def chosen(wanted: Sequence[Pattern], there: Sequence[str], repository: str, as_given: bool) -> list[str]:
    """The names that are asked for, in order. Raises UserError where one is not there."""
    names: list[str] = []
    for pattern in wanted:
        if pattern.names_one:
            if pattern.text not in there and not is_commit(pattern.text):
                raise missing(repository, pattern.text, there)
            names.append(pattern.text)
            continue
        matching = [name for name in there if pattern.matches(name)]
        if not matching:
            raise UserError(f"{repository}: no branch or tag is named {pattern.text}; it has {groups(there)}")
        names += in_order(pattern, matching, repository, as_given=False)
    return in_order(Pattern("*"), list(dict.fromkeys(names)), repository, as_given)


def in_order(
    pattern: Pattern, names: Sequence[str], where: str, as_given: bool, kind: str = "revisions"
) -> list[str]:
    """Names of one template by their steps, every so many of them. Raises UserError for more than one."""
    if as_given or len(names) == 1:
        return list(names)
    found = by_template(names)
    if len(found) > 1:
        before = "@" if kind == "revisions" else "#" if kind == "folders" else SCHEME
        rest = ", or list revisions in order and give --as-given" if kind == "revisions" else ""
        raise UserError(
            f"{where}: holds {groups(names)}; of these, one is a trajectory: choose it, as "
            f"{before}{next(iter(found)).replace('#', '*')}{rest}"
        )
    steps = {name: step for name in names if (step := step_of(name)) is not None}
    if unknown := [name for name in names if name not in steps]:
        raise UserError(
            f"{where}: {shown(unknown)} do not say a step; list revisions in order and give --as-given"
        )
    ordered = sorted(names, key=steps.__getitem__)
    for one, other in zip(ordered, ordered[1:], strict=False):
        if steps[one] == steps[other]:
            raise UserError(f"{where}: {one} and {other} say the same step; leave one out")
    return ordered[:: pattern.every]


def by_template(names: Iterable[str]) -> dict[str, list[str]]:
    """Names by their template, the largest group first."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(template_of(name), []).append(name)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def groups(names: Iterable[str]) -> str:
    """What names there are, by template: stage1-step#-tokens# (928, as stage1-step0-tokens0B), …"""
    said = [
        f"{template} ({len(members)}, as {members[0]})" if len(members) > 1 else members[0]
        for template, members in by_template(names).items()
    ]
    return ", ".join(
        [*said[:EXAMPLES], *([f"and {len(said) - EXAMPLES} more"] if len(said) > EXAMPLES else [])]
    )


def last_of(there: Iterable[str], names: Sequence[str]) -> str:
    """The last of those of the same template that are there: what main should be."""
    template = template_of(names[-1])
    alike = [name for name in there if template_of(name) == template and step_of(name) is not None]
    return max(alike, key=lambda name: step_of(name) or 0, default=names[-1])


def beside_main(refs: Iterable[str]) -> list[str]:
    return [MAIN] if MAIN in refs else []


def is_commit(name: str) -> bool:
    return len(name) == 40 and all(letter in "0123456789abcdef" for letter in name)


def is_point_file(name: str) -> bool:
    """Whether a file is of weights, or the index of their shards."""
    return name.endswith(INDEX) or is_weights(PurePosixPath(name))


def kept(revision: Revision) -> Revision:
    """The revision with what a lock keeps: weights, indices of shards, the model's configuration.

    Where there are none, what its folders have, as diffusers' `unet/`.
    """
    files: dict[str, File] = {}
    for depth in (0, 1):
        if not any(map(is_point_file, files)):
            files |= {
                name: file
                for name, file in revision.files.items()
                if name.count("/") == depth and (is_point_file(name) or PurePosixPath(name).name == CONFIG)
            }
    return Revision(revision.name, revision.repository, revision.commit, files, revision.folder)
