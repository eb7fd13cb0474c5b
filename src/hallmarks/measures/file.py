"""A run's table of measures as a file: the one place that reads and writes the Parquet."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from hallmarks.errors import UserError
from hallmarks.files import write

if TYPE_CHECKING:
    import pandas as pd


def read_measures(path: Path) -> pd.DataFrame:
    """The measures of a run's whole model, long form. Raises UserError where they are missing or damaged."""
    import pandas as pd

    try:
        return pd.read_parquet(path, filters=[("group", "==", "all")])
    except FileNotFoundError:
        raise UserError(f"{path}: no such measures; hallmarks measure makes them from a kernel") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a table of measures ({str(error).splitlines()[0]})") from None


def write_measures(path: Path, table: pd.DataFrame) -> None:
    """Write the table of all groups, whole or not at all. Raises UserError."""
    content = io.BytesIO()
    table.to_parquet(content, index=False)
    write(path, content.getvalue())
