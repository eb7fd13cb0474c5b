"""Which files of locked revisions are weights, by family, and which revisions hold what others hold too.

A family is the same model in one format: safetensors, bin. Families are compared apart, file by file, by
digests alone: published revisions are known that hold main's weights, or one shard of another step's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath

from hallmarks.errors import UserError
from hallmarks.trajectory.formats import INDEX, formats, suffix_of
from hallmarks.trajectory.hub.lock import Lock, Revision
from hallmarks.trajectory.hub.steps import step_of
from hallmarks.trajectory.others.weights import SHARD, family_of, is_weights

START = {0, 1}  # steps that may hold equal weights: the first update's learning rate may be 0
SHOWN = 4


@dataclass(frozen=True)
class Weights:
    """A revision's file of weights, or the index of its shards, and the files that hold the weights."""

    file: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Equal:
    """Revisions that hold one content under different steps: the whole family, or the file `part`.

    `names` are those that cannot be told right from wrong; `main` says that main holds it too.
    """

    names: tuple[str, ...]
    part: str | None
    main: bool

    def __str__(self) -> str:
        names = ", ".join(self.names[:SHOWN]) + (
            f", … ({len(self.names)})" if len(self.names) > SHOWN else ""
        )
        what = f"one {self.part}" if self.part else "the same weights"
        hold = "hold" if len(self.names) > 1 else "holds"
        if len(self.names) == 1:
            return f"{names} {hold} main's {self.part or 'weights'}"
        return f"{names} {hold} {what}{', which main holds too' if self.main else ''}"


@dataclass(frozen=True)
class Family:
    """One family over the revisions of a lock: `weights` by the revision's name, those that have it."""

    name: str
    lock: Lock
    weights: dict[str, Weights]
    main: Weights | None

    @property
    def lacking(self) -> list[str]:
        return [revision.name for revision in self.lock.revisions if revision.name not in self.weights]

    @cached_property
    def contents(self) -> dict[str, tuple[str, ...]]:
        """The digests of each revision's files of weights."""
        named = {revision.name: revision for revision in self.lock.revisions}
        return {name: digests(named[name], weights) for name, weights in self.weights.items()}

    @property
    def distinct(self) -> int:
        """How many different weights the revisions hold."""
        return len(set(self.contents.values()))

    @property
    def bytes(self) -> int:
        """Of all weights of all revisions."""
        return sum(self.bytes_of(each) for each in self.lock.revisions if each.name in self.weights)

    def bytes_of(self, revision: Revision) -> int:
        """Of a revision's weights."""
        return sum(revision.files[part].size for part in self.weights[revision.name].parts)

    @cached_property
    def equal(self) -> list[Equal]:
        """What is equal under different steps, and should not be: wholes, then single files."""
        main = digests(self.lock.main, self.main) if self.lock.main and self.main else ()
        wholes: dict[tuple[str, ...], list[str]] = {}
        parts: dict[str, list[str]] = {}
        for name, content in self.contents.items():
            wholes.setdefault(content, []).append(name)
            for digest in dict.fromkeys(content):
                parts.setdefault(digest, []).append(name)
        found = []
        for content, names in wholes.items():
            if doubtful := self.doubtful(names, content == main):
                found.append(Equal(tuple(doubtful), None, content == main))
        for digest, names in parts.items():
            contents = {self.contents[name] for name in names} | ({main} if digest in main else set())
            if len(contents) == 1 or len(names) == len(self.weights) > 1:
                continue  # equal as wholes; or what no step moves, as frozen embeddings
            if doubtful := self.doubtful(names, digest in main):
                part = self.weights[names[0]].parts[self.contents[names[0]].index(digest)]
                found.append(Equal(tuple(doubtful), part, digest in main))
        return found

    @property
    def doubted(self) -> dict[str, str]:
        """The revisions that are no points, and why."""
        return {name: str(equal) for equal in reversed(self.equal) for name in equal.names}

    def doubtful(self, names: Sequence[str], main: bool) -> list[str]:
        """Of revisions that hold one content those that may hold it wrongly.

        What main holds is that of the last step, unless the last step's own revision says otherwise. Steps 0
        and 1 may be equal. Of others at most one is right, and which cannot be told.
        """
        last, whole = self.lock.last, digests(self.lock.main, self.main)
        if main and self.contents.get(last, whole) == whole:
            return [name for name in names if name != last]
        starts = len(names) == 2 and {step_of(name) for name in names} == START
        return [] if len(names) < 2 or starts else list(names)


def digests(revision: Revision | None, weights: Weights | None) -> tuple[str, ...]:
    if revision is None or weights is None:
        return ()
    return tuple(revision.files[part].digest for part in weights.parts)


def families_of(lock: Lock, named: str | None = None) -> list[Family]:
    """The families of a lock, the preferred first: more distinct revisions, then by format.

    `named` is the one file of weights to look at. Raises UserError where a revision holds none, or several.
    """
    found = {revision.name: weights_in(revision, named) for revision in lock.revisions}
    main = main_weights(lock.main, named) if lock.main else {}
    names = sorted({family for each in found.values() for family in each}, key=precedence)
    families = [
        Family(name, lock, {at: each[name] for at, each in found.items() if name in each}, main.get(name))
        for name in names
    ]
    return sorted(families, key=lambda family: (-family.distinct, len(family.doubted)))


def main_weights(main: Revision, named: str | None) -> dict[str, Weights]:
    """Those of main, which is only compared with: {} where it has none, or not all of one."""
    try:
        return weights_in(main, named)
    except UserError:
        return {}


def precedence(family: str) -> int:
    return next((m.PRECEDENCE for m in formats() if f".{family}" in m.SUFFIXES), 0)


def weights_in(revision: Revision, named: str | None = None) -> dict[str, Weights]:
    """The weights of a revision by family. Raises UserError where there are none, or those of two models.

    `named` is the file of weights, or the folder that has it.
    """
    if folder := folder_in(revision, named):
        files = {
            name.removeprefix(folder): file
            for name, file in revision.files.items()
            if name.startswith(folder)
        }
        within = replace(revision, files=files, folder=f"{revision.folder}/{folder}".strip("/"))
        rest = None if named is None or folder == f"{named.strip('/')}/" else named.removeprefix(folder)
        return {
            family: Weights(f"{folder}{found.file}", tuple(f"{folder}{part}" for part in found.parts))
            for family, found in weights_in(within, rest).items()
        }
    files = [name for name in revision.files if is_weights_file(name)]
    found: dict[str, Weights] = {}
    wholes = [each for module in formats() for name in module.WHOLE for each in (name, name + INDEX)]
    if named is not None:
        wholes = [named, named + INDEX]
    there = [name for name in wholes if name in revision.files]
    if len({family_of(name) for name in there}) > 1:
        raise several(revision, there)
    for name in there:
        family = suffix_of(name.removesuffix(INDEX)).strip(".")
        if family not in found:
            found[family] = Weights(name, parts_of(revision, name, files))
    if not found and named is None:
        by_suffix: dict[str, list[str]] = {}
        for name in files:
            by_suffix.setdefault(suffix_of(name).strip("."), []).append(name)
        if double := next((each for each in by_suffix.values() if len(each) > 1), None):
            raise several(revision, double)
        found = {family: Weights(names[0], (names[0],)) for family, names in by_suffix.items()}
    if not found:
        what = f"no file {named}" if named else "no file of weights"
        inside = f" in {revision.folder}/" if revision.folder else " at its root"
        has = f"; it has {', '.join(sorted(revision.files)[:SHOWN])}" if revision.files else ""
        raise UserError(f"{revision.label}: holds {what}{inside}{has}")
    return found


def folder_in(revision: Revision, named: str | None) -> str:
    """The one folder of a revision that has weights, as `unet/`, or the one named; "" for its root.

    Raises UserError where several have.
    """
    files = [name for name in revision.files if is_weights_file(name)]
    folders = dict.fromkeys(name[: name.rfind("/") + 1] for name in files)
    if named is not None:
        wanted = (f"{named.strip('/')}/", named[: named.rfind("/") + 1])
        return next((folder for folder in folders if folder and folder in wanted), "")
    if "" in folders or not folders:
        return ""
    if len(folders) > 1:
        raise several(revision, [folder.strip("/") for folder in folders])
    return next(iter(folders))


def parts_of(revision: Revision, name: str, files: Sequence[str]) -> tuple[str, ...]:
    """The files that hold the weights: itself, or an index's shards. Raises UserError where one lacks."""
    if not name.endswith(INDEX):
        return (name,)
    whole = name.removesuffix(INDEX)
    suffix = suffix_of(whole)
    found = [(file, SHARD.fullmatch(file.removesuffix(suffix))) for file in files if file.endswith(suffix)]
    shards = {file: match for file, match in found if match and match[1] == whole.removesuffix(suffix)}
    for match in shards.values():
        total, width = int(match[3]), len(match[2])
        for number in range(1, total + 1):
            if (shard := f"{match[1]}-{number:0{width}d}-of-{match[3]}{suffix}") not in shards:
                raise UserError(
                    f"{revision.label}: {shard} is not there, though {name} says that it has {total} shards; "
                    "leave this revision out, or tell its owner"
                )
    return tuple(sorted(shards))


def is_weights_file(name: str) -> bool:
    """Whether a name is that of a file of weights, and no index."""
    return is_weights(PurePosixPath(name))


def several(revision: Revision, names: Sequence[str]) -> UserError:
    return UserError(
        f"{revision.label}: holds the weights of more than one model ({', '.join(names[:SHOWN])}); "
        f"give --weights {names[0].removesuffix(INDEX)}, or another"
    )
