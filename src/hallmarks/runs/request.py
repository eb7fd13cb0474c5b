"""The file by which the workflow tells a command what to make, and what decides it."""

import json
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.runs.identity import Identity


def read_settings(path: Path) -> dict[str, Any]:
    """A settings file. Raises UserError where it is none."""
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: not settings, which are a JSON object")
    return content


def parse_settings(text: str) -> dict[str, Any]:
    """Settings given as JSON, or as the file that holds them. Raises UserError."""
    if not text.lstrip().startswith("{"):
        return read_settings(Path(text))
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError(f"--settings: not JSON ({error})") from None


def requested_identity(settings: dict[str, Any]) -> Identity:
    """What decides the result that settings ask for, with the code as it is now: what will run."""
    from hallmarks.runs.sources import meaning_now

    wanted = settings["identity"]
    code = {name: meaning_now(name, digest) for name, digest in wanted["code"].items()}
    inputs = {name: key_of(Path(settings["results"]), name, key) for name, key in wanted["inputs"].items()}
    return Identity(wanted["settings"], inputs, code)


def key_of(results: Path, part: str, told: str) -> str:
    """The key of a part as it lies there; what the workflow told was said before the part was made."""
    between = "/" if part.startswith("runs/") else "."
    made = Identity.read(results / f"{part}{between}identity.json")
    return made.key if made else told
