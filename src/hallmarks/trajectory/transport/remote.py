"""A file that lies on a hub: a value that stands where a file's path would."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, order=True)
class RemoteFile:
    """One file at one commit, read by ranges; equal to another of the same address and size.

    `url` is the hub's own address of it (`…/resolve/COMMIT/FILE`), which may lead to a signed one elsewhere;
    `size` in bytes, `etag` and `sha256` are what it must have, where they are known; `label` names it in
    messages, by revision and file.
    """

    url: str
    size: int
    etag: str | None = field(default=None, compare=False)
    sha256: str | None = field(default=None, compare=False)
    label: str = field(default="", compare=False)

    @cached_property
    def name(self) -> str:
        """Its last name, as of a path."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    def __str__(self) -> str:
        return self.label or self.url
