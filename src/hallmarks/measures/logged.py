"""What a run's log says of its end: accuracies, which need no kernel."""

from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.log import read_log

NAMES = ("test_accuracy", "train_accuracy")


def read_accuracies(path: Path) -> dict[str, float]:
    """The accuracies of the log's last row by NAMES, in percent. Raises UserError."""
    rows = read_log(path)
    if not rows or not set(NAMES) <= rows[-1].keys():
        raise UserError(f"{path}: has no row of {' and '.join(NAMES)}")
    return {name: 100 * rows[-1][name] for name in NAMES}
