"""Addresses of published trajectories: `hf://org/model@step0,step8`, `@step*:4`, `#checkpoints/`.

hf://org/model@step0,step8,main     branches, tags or commits, by their names
hf://org/model@step*:4              every 4th of the branches and tags so named, by their number
hf://org/model#checkpoints/         the folders in a folder, of main
hf://org/model@v2#runs/a/step*:2    every 2nd folder so named, of one revision
hf://org/model-step*                a repository a step
"""

import re
from dataclasses import dataclass
from pathlib import Path

from hallmarks.errors import UserError

SCHEME = "hf://"
EXAMPLE = "hf://EleutherAI/pythia-14m@step0,step1000 or hf://EleutherAI/pythia-14m@step*:4"
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.*-]+)?")
MAIN = "main"


@dataclass(frozen=True)
class Pattern:
    """Names by a pattern, in which `*` is any text, and every how many of them, by their number."""

    text: str
    every: int = 1

    @property
    def names_one(self) -> bool:
        """Whether it is a name, and no pattern."""
        return "*" not in self.text and self.every == 1

    def __str__(self) -> str:
        return self.text if self.every == 1 else f"{self.text}:{self.every}"

    def matches(self, name: str) -> bool:
        return bool(re.fullmatch(".*".join(map(re.escape, self.text.split("*"))), name, re.DOTALL))


@dataclass(frozen=True)
class Address:
    """A published trajectory: of one of repository, revisions and folders the points are many.

    `revisions` are () where none is named; `folders` is None where the address names none.
    """

    repository: Pattern
    revisions: tuple[Pattern, ...] = ()
    folders: Pattern | None = None

    def __str__(self) -> str:
        revisions = f"@{','.join(map(str, self.revisions))}" if self.revisions else ""
        return f"{SCHEME}{self.repository}{revisions}{f'#{self.folders}' if self.folders else ''}"

    @property
    def name(self) -> str:
        """The model's name, for titles."""
        return self.repository.text.rpartition("/")[2]


def is_address(source: object) -> bool:
    """Whether what is named is an address of the hub."""
    return isinstance(source, Address) or (isinstance(source, str) and source.startswith(SCHEME))


def source_of(text: str) -> Path | Address:
    """What a command line names: an address, or a path. Raises UserError for an address that is none."""
    return parse_address(text) if is_address(text) else Path(text)


def parse_address(text: str) -> Address:
    """An address from its text. Raises UserError."""
    rest, _, folders = text.removeprefix(SCHEME).partition("#")
    repository, at, revisions = rest.partition("@")
    if not at and repository.count(":") and not repository.partition(":")[2].isdigit():
        raise UserError(f"{text}: give revisions behind an @, as {EXAMPLE}")
    if "#" in text and not folders.strip("/"):
        raise UserError(f"{text}: name the folder behind #, as hf://org/model#checkpoints/")
    address = Address(
        pattern_of(text, repository.strip("/")),
        tuple(pattern_of(text, part) for part in revisions.split(",")) if at else (),
        folders_of(text, folders) if folders else None,
    )
    if not REPOSITORY.fullmatch(address.repository.text):
        raise UserError(f"{text}: no repository's name, which is org/model; an address is {EXAMPLE}")
    names = [str(pattern) for pattern in address.revisions]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"{text}: names {twice} twice")
    many = [not address.repository.names_one, address.folders is not None]
    many.append(len(address.revisions) > 1 or not all(each.names_one for each in address.revisions))
    if sum(many) > 1:
        raise UserError(
            f"{text}: of repository, revisions and folders only one can tell the points apart; "
            "give one revision with #folder, or with a pattern of repositories"
        )
    return address


def pattern_of(text: str, part: str) -> Pattern:
    """A name or pattern, with `:4` behind it or not. Raises UserError."""
    name, colon, every = part.partition(":")
    if not name:
        raise UserError(f"{text}: a name is missing; an address is {EXAMPLE}")
    if colon and not (every.isdigit() and int(every) > 0 and "*" in name):
        raise UserError(f"{text}: {part} is no pattern; every 4th of those named step… is step*:4")
    return Pattern(name, int(every) if colon else 1)


def folders_of(text: str, part: str) -> Pattern:
    """`checkpoints/` stands for all folders in it."""
    pattern = pattern_of(text, part.lstrip("/") + "*" * part.endswith("/"))
    if "*" in pattern.text.rpartition("/")[0]:
        raise UserError(f"{text}: only the last of the folders can be a pattern, as runs/a/step*")
    return pattern
