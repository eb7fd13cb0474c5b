"""What a folder holds: which of its files and folders are points, and what about those that are not."""

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from hallmarks.errors import NothingYet, UserError
from hallmarks.trajectory.formats import INDEX, format_of, suffixes, whole_files
from hallmarks.trajectory.others.beside import BESIDE, beginning, is_kernel, is_otherwise
from hallmarks.trajectory.others.hub_cache import is_hub_cache, revisions
from hallmarks.trajectory.others.names import parse
from hallmarks.trajectory.others.weights import (
    Source,
    files_of,
    is_weights,
    listed,
    of_file,
    shards_alone,
    weights_of,
)


def find_points(
    sources: Sequence[Path], skip: Sequence[str] = (), named: str | None = None, as_given: bool = False
) -> tuple[list[Source], list[str]]:
    """The points that files and folders are, or hold, and what was left out, in words. Raises UserError.

    `skip` are patterns of names that are left out of folders; `named` is the file of weights in each folder.
    """
    points: list[Source] = []
    left: list[str] = []
    if named is not None and not any(source.is_dir() for source in sources):
        raise UserError(f"--weights {named}: says which file of a folder counts; these are files")
    if again := [
        path for path, count in Counter(source.resolve() for source in sources).items() if count > 1
    ]:
        raise UserError(f"{again[0]}: is listed twice")
    for source in sources:
        if not _exists(source):
            raise UserError(f"{source}: no such trajectory.json, checkpoint or folder of checkpoints")
        if source.is_file():
            points.append(Source(source, of_file(source)))
            continue
        if is_hub_cache(source):
            inside, outside = revisions(source, skip, named)
        else:
            inside, outside = _inside(source, skip, named, alone=len(sources) == 1)
        if as_given and len(inside) > 1:
            raise UserError(
                f"{source}: a folder gives no order; list its files, for --as-given to keep theirs"
            )
        points += inside
        left += outside
    if named is not None and not any(f"/{named}/" in f"{each.weights.file.as_posix()}/" for each in points):
        raise UserError(f"--weights {named}: no folder of {sources[0]} holds one so named")
    return points, left


def _inside(
    folder: Path, skip: Sequence[str], named: str | None, alone: bool
) -> tuple[list[Source], list[str]]:
    entries = []
    for path in sorted(listed(folder)):
        if any(fnmatch(path.name, pattern) for pattern in skip):
            continue
        if path.is_symlink() and not path.exists():
            raise UserError(
                f"{path}: a link to {path.readlink()}, which is not there; --skip {path.name} leaves it out"
            )
        entries.append(path)
    unused = [pattern for pattern in skip if not any(fnmatch(path.name, pattern) for path in listed(folder))]
    if unused:
        raise UserError(f"--skip {unused[0]}: nothing in {folder} is so named")
    folders = [path for path in entries if path.is_dir()]
    found = {path: weights_of(path, named) for path in folders if parse(path.name).numbers or named}
    if any(found.values()):  # then no folder of weights is passed over
        found |= {path: weights_of(path, named) for path in folders if path not in found}
    points = [Source(path, weights) for path, weights in found.items() if weights]
    whole = [path for path in whole_files(folder) if not any(fnmatch(path.name, each) for each in skip)]
    within: list[str] = []
    if whole and not any(counts(point.path.name) for point in points):
        within = [f"{point.path} (weights within a checkpoint)" for point in points]
        points = []  # a model in parts, such as 2_Dense beside the rest of it
    if not points and (whole or (not alone and len(files_of(folder)) == 1)):
        return [Source(folder, weights_of(folder, named))], within
    if not points and named is not None and (weights := weights_of(folder, named)):
        return [Source(folder, weights)], []
    own = _own(folder, whole) if points else []
    files = [path for path in entries if path.is_file() and is_weights(path) and path not in own]
    files = [path for path in files if not is_kernel(path)]
    if not points and files and (error := shards_alone(folder, files)):
        raise error
    points += [Source(path, of_file(path)) for path in files]
    if not points:
        raise _nothing(folder, entries)
    stems = {beginning(point.path) for point in points if parse(beginning(point.path)).numbers}
    texts = {parse(stem).text for stem in stems}
    for path in entries:
        if path in own or beginning(path) in stems or parse(beginning(path)).text not in texts:
            continue
        if path.is_dir():
            why = f"holds no weights{f' named {named}' if named else ''}; unfinished?"
        elif is_otherwise(path):
            why = f"named like a checkpoint, but not one of {', '.join(suffixes())}"
        else:
            continue
        raise UserError(f"{path}: {why}; --skip {path.name} leaves it out")
    left = [f"{path} (the folder's own weights beside its points)" for path in own[:1]]
    return points, left


def counts(name: str) -> bool:
    """Whether a folder's name says that it is a checkpoint, as checkpoint-500 does and 2_Dense does not."""
    parsed = parse(name)
    return parsed.text.endswith("#") or any(number.kind in {"step", "epoch"} for number in parsed.numbers)


def _own(folder: Path, whole: Sequence[Path]) -> list[Path]:
    """The files of a folder's own weights, shards too: what a trainer leaves beside its checkpoints."""
    if not whole:
        return []
    stems = tuple(path.name.removesuffix(INDEX).partition(".")[0] + "-" for path in whole)
    return [*whole, *(path for path in files_of(folder) if path.name.startswith(stems))]


def _nothing(folder: Path, entries: Sequence[Path]) -> UserError:
    """What to say of a folder without a checkpoint: where some may be, or what is there instead."""
    below = [path for path in entries if path.is_dir() and _has_weights(path)]
    inside = [each for path in entries for each in (sorted(listed(path)) if path.is_dir() else [path])]
    others = [path for path in inside if path.is_file() and path.suffix not in BESIDE and not is_kernel(path)]
    advice = f"; {below[0]} does" if below else ""
    if others and not below:
        try:
            format_of(others[0])
        except UserError as error:
            return error
        advice = f"; {others[0].name} may be one: list such files to have them read"
    if any(path.is_file() and is_kernel(path) for path in entries):
        advice = "; it holds kernels, which hallmarks measure takes one by one"
    return NothingYet(
        f"{folder}: holds no checkpoint ({', '.join(suffixes())}) and no trajectory.json{advice}"
    )


def _has_weights(folder: Path) -> bool:
    return bool(files_of(folder)) or any(files_of(path) for path in listed(folder) if path.is_dir())


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
