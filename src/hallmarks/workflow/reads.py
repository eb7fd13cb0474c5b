"""What a notebook reads of the runs that it shows: its metadata say so, `"hallmarks": {"reads": […]}`."""

import functools
import json
from pathlib import Path

from hallmarks.errors import UserError

# The kind of result that each is of, and its file below the folder of all results.
READS = {
    "kernels": ("kernels", "kernels/{}.npz"),
    "measures": ("measures", "measures/{}.parquet"),
    "logs": ("runs", "runs/{}/log.csv"),
}


@functools.cache
def reads_of(notebook: Path) -> tuple[str, ...]:
    """Of READS those that a notebook reads; kernels and measures where it does not say. Raises UserError."""
    try:
        said = json.loads(notebook.read_text())["metadata"].get("hallmarks", {}).get("reads")
    except OSError as error:
        raise UserError(f"{notebook}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{notebook}: not a notebook ({error})") from None
    said = ["kernels", "measures"] if said is None else said
    if not isinstance(said, list) or not all(word in READS for word in said):
        raise UserError(f"{notebook}: metadata.hallmarks.reads is a list of {', '.join(READS)}, not {said!r}")
    return tuple(dict.fromkeys(said))
