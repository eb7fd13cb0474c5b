"""The file by which the workflow tells a command what to make, and what decides it."""

import json
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.runs.identity import Identity, beside


def read_request(path: Path) -> dict[str, Any]:
    """A settings file. Raises UserError where it is none."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such settings file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: not settings, which are a JSON object")
    return content


def parse_request(text: str) -> dict[str, Any]:
    """Settings given as JSON, or as the file that holds them. Raises UserError."""
    if not text.lstrip().startswith("{"):
        return read_request(Path(text))
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError(f"--settings: not JSON ({error})") from None


def requested_identity(settings: dict[str, Any]) -> Identity:
    """What decides the result that settings ask for, by code and inputs as they are now: what will run."""
    from hallmarks.runs.sources import meaning_now

    wanted, folder = settings["identity"], Path(settings["results"])
    code = {name: meaning_now(name, digest) for name, digest in wanted["code"].items()}
    inputs = {name: key_now(folder, name, key) for name, key in wanted["inputs"].items()}
    return Identity(wanted["settings"], inputs, code)


def key_now(folder: Path, name: str, before: str) -> str:
    """The key of an input, `kernels/<run>`; when this was planned, its data may not have been there."""
    made = Identity.read(folder / beside(*name.split("/", 1), "identity"))
    return made.key if made else before
