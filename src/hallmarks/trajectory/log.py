"""A run's log as it lies on disk, `log.csv`: the one place that reads it."""

import csv
from pathlib import Path

from hallmarks.errors import UserError


def read_log(path: Path) -> list[dict[str, float]]:
    """A row an epoch, by column; of a run that has begun, those so far. Raises UserError.

    Accuracies are fractions; those of the last row are the run's.
    """
    try:
        with open(path) as file:
            return [
                {key: float(value) for key, value in row.items()} for row in csv.DictReader(file, strict=True)
            ]
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{path}: not a run's log ({error})") from None
