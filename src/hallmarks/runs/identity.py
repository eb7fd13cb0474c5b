"""What decides a result's numbers, and nothing else: the one place that says when a result is made again.

A run: its resolved settings and seed, its data's digests, and the meaning of the modules that it uses. Every
other result: its settings, the identities of what it is made of, and the meaning of its modules. The identity
lies beside each result, so that a result is known for what it is in any clone, on any machine.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from hallmarks.files import write_json

SHORT = 16  # characters of a key that name a folder


@dataclass(frozen=True)
class Identity:
    """`settings`, as JSON; `inputs`, the key or digest of each by name; `code`, a digest a module.

    `given` are those settings that are not at their defaults, where that is known.
    """

    settings: dict[str, Any]
    inputs: dict[str, str]
    code: dict[str, str]
    given: dict[str, Any] | None = field(default=None, compare=False)

    @property
    def record(self) -> dict[str, Any]:
        """What lies beside a result, without its key."""
        return {"settings": self.settings, "inputs": self.inputs, "code": self.code}

    @cached_property
    def key(self) -> str:
        """SHA-256 of all of it."""
        text = json.dumps(self.record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def write(self, path: Path) -> None:
        """Write it as JSON. Raises UserError."""
        write_json(path, {"key": self.key} | self.record)

    @classmethod
    def parse(cls, text: str) -> "Identity | None":
        """What its JSON says; None where it is none."""
        try:
            content = json.loads(text)
            return cls(content["settings"], content["inputs"], content["code"])
        except (ValueError, KeyError, TypeError):
            return None

    @classmethod
    def read(cls, path: Path) -> "Identity | None":
        """What lies beside a result; None where nothing can be read."""
        try:
            return cls.parse(path.read_text())
        except (OSError, UnicodeDecodeError):
            return None


def beside(kind: str, name: str, word: str) -> str:
    """The file `identity` or `accepted` beside a result, below the folder of all results."""
    return f"{kind}/{name}{'/' if kind == 'runs' else '.'}{word}.json"


def changes(made: Identity | None, now: Identity) -> list[str]:
    """What a result would be made by now that it was not made by, in words; [] where nothing that counts is.

    A setting that came later, and stands at its default, changes nothing.
    """
    if made is None:
        return ["nothing beside it says what it was made by"]
    old, new = dict(leaves(made.settings)), dict(leaves(now.settings))
    if now.given is not None:
        given = dict(leaves(now.given))
        new = {way: value for way, value in new.items() if way in old or way in given}
    said = [f"{'.'.join(way)}: {short(old.get(way))} → {short(new.get(way))}" for way in differing(old, new)]
    said += [f"{name} is another" for name in differing(made.inputs, now.inputs)]
    # A module that is used no more counts by the module that no longer uses it.
    for module in differing({name: made.code.get(name) for name in now.code}, now.code):
        said.append(f"{path_of(module)} {'changed' if module in made.code else 'is used now'}")
    return said


def differing(old: dict, new: dict) -> list:
    """The keys of what is new, or not the same in both, sorted; what was null may go."""
    names = old.keys() | new.keys()
    return sorted(name for name in names if old.get(name) != new.get(name) or name not in old)


def leaves(settings: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """The values of nested mappings, each with the keys that lead to it; a list is a value."""
    if not isinstance(settings, dict):
        return [(path, settings)]
    return [leaf for key, value in settings.items() for leaf in leaves(value, (*path, str(key)))]


def short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"


def path_of(module: str) -> str:
    """`training/loop.py` of `hallmarks.training.loop`; a notebook is a path already."""
    if not module.startswith("hallmarks."):
        return module
    return f"{module.removeprefix('hallmarks.').replace('.', '/')}.py"
