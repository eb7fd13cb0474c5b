"""The settings of a figure or a table, as the workflow writes them, found from wherever a notebook runs."""

import json
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError


def read_settings(path: Path | str) -> dict[str, Any]:
    """Read `results/settings/…/NAME.json`; its `results` becomes a path that can be opened from here.

    A relative path is looked for in the working directory, then in its parents; `results` is relative to
    where it was found. Raises UserError where it is not there, or not the settings of a figure or table.
    """
    for folder in [Path(), *Path.cwd().parents]:
        if (folder / path).is_file():
            break
    else:
        raise UserError(f"{path}: no such settings, here or in a folder above; they come with the results")
    try:
        settings = json.loads((folder / path).read_text())
        where = {"results": folder / settings["results"], "scale": str(settings["scale"])}
        return {"options": {}} | settings | where
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError):
        known = '{"name": …, "title": …, "scale": …, "results": …, …}'
        raise UserError(f"{path}: not the settings of a figure or table, which are {known}") from None
