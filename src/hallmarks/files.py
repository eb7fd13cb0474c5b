"""The one module that writes files: each whole or not at all, and one clear line where that fails."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.witness import journal
from hallmarks.witness.journal import Seen


def size(count: float) -> str:
    """Bytes in words: `9.3 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def make_folder(folder: Path) -> Path:
    """The folder, made with its parents where it is not there. Raises UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        for link in (path for path in [folder, *folder.parents] if path.is_symlink() and not path.exists()):
            raise UserError(f"{link}: a link to {link.readlink()}, which is not there") from None
        raise UserError(f"{folder}: cannot be made ({error.strerror})") from None
    return folder


@contextmanager
def replacing(path: Path, lasting: bool = True, seen: Seen | None = None) -> Iterator[Path]:
    """A temporary path in the folder of `path`, which takes its place once the block has ended well.

    The name keeps its suffix, by which writers know the format. What is not `lasting` can be written anew: a
    power cut may lose it. `seen` is what is written, where that is known before. Raises UserError where it
    cannot be written.
    """
    temporary = make_folder(path.parent) / f".{path.name}.{os.getpid()}{path.suffix}"
    try:
        yield temporary
        if lasting:
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
        seen = journal.look(temporary) if journal.counts(path) and seen is None else seen
        temporary.replace(path)
        if lasting:
            sync_folder(path.parent)
        if seen and journal.counts(path):
            journal.watching.written(path, seen)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        remove_file(temporary)


def write(path: Path, content: bytes | memoryview | str, lasting: bool = True) -> None:
    """Write a file, text as UTF-8; its folder is made. Raises UserError."""
    data = content.encode() if isinstance(content, str) else content
    seen = Seen(hashlib.sha256(data).hexdigest(), memoryview(data).nbytes) if journal.counts(path) else None
    with replacing(path, lasting, seen) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, content: Any, lasting: bool = True) -> None:
    """Write a value as JSON that a person can read. Raises UserError."""
    write(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n", lasting)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, read in blocks. Raises OSError."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_file(path: Path) -> None:
    """Remove a file; one that is not there, or lies where nothing can be removed, is left as it is."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move_into_place(source: Path, target: Path) -> None:
    """Make `target` the folder `source`, replacing what was there; `target` appears in one rename.

    Across file systems the folder is first copied beside `target`, and `source` stays. Raises UserError where
    it cannot be written; what `target` held before is then back.
    """
    incoming, replaced = (target.with_name(f".{target.name}.{word}") for word in ("incoming", "replaced"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if replaced.exists() and not target.exists():  # a kill between two renames
            replaced.rename(target)
        for left in incoming, replaced:
            shutil.rmtree(left, ignore_errors=True)
        if target.exists():
            target.rename(replaced)
        try:
            source.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            copy_folder(source, incoming)
            incoming.rename(target)
        sync_folder(target.parent)
        journal.moved(source, target)
    except OSError as error:
        shutil.rmtree(incoming, ignore_errors=True)
        if replaced.exists():
            replaced.rename(target)
        raise UserError(f"{target}: cannot be written ({error.strerror})") from None
    shutil.rmtree(replaced, ignore_errors=True)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder, every file synced."""
    target.mkdir()
    for path in sorted(source.rglob("*")):
        there = target / path.relative_to(source)
        if path.is_dir():
            there.mkdir()
            continue
        with open(path, "rb") as reader, open(there, "wb") as writer:
            shutil.copyfileobj(reader, writer, 2**20)
            writer.flush()
            os.fsync(writer.fileno())


def copy_file(source: Path, target: Path) -> str:
    """Copy a file's bytes; its folder is made. The SHA-256 of what was copied. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with open(source, "rb") as reader, open(target, "wb") as writer:
        while block := reader.read(2**20):
            digest.update(block)
            writer.write(block)
    return digest.hexdigest()
