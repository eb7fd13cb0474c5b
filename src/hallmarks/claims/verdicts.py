"""The verdicts, and what a claim is judged by: each compared variation's values, one a seed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

ALL_SEEDS = "holds in all seeds"
MEAN = "holds in the mean"
NOT = "does not hold"
NOT_COMPARABLE = "not comparable at this scale"
VERDICTS = [ALL_SEEDS, MEAN, NOT, NOT_COMPARABLE]
# That read in grey.
MARKS = dict(zip(VERDICTS, "●◐○–", strict=True))


@dataclass(frozen=True)
class Evidence:
    """The claim's number for each variation that it compares, by seed; NaN where a run diverged.

    `paired` has a column a variation, a row a seed that all have; `incomparable` says why the runs cannot be
    compared, or ""; `reads` says what the number is, where that is not the measure itself.
    """

    seeds: dict[str, "pd.Series"]
    paired: "pd.DataFrame"
    incomparable: str
    reads: str

    def ours(self) -> str:
        """`default: 0.7640 ± 0.0031 (3 seeds); …`."""
        return "; ".join(f"{name}: {spread(values)}" for name, values in self.seeds.items())


def spread(values: "pd.Series", counted: bool = True, largest: float | None = None) -> str:
    """`0.7640 ± 0.0031 (3 seeds)`: mean and standard deviation; many an ω lies close to 1.

    Of several numbers side by side the `largest` says how many digits all have.
    """
    digits = 4 if abs(values.mean() if largest is None else largest) < 10 else 1
    count = f" ({len(values)} seed{'s' * (len(values) > 1)})" if counted else ""
    around = f" ± {values.std():.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{around}{count}"
