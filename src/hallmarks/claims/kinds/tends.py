"""A measure tends to a limit along some variations: its distance from it falls, in all by a half or more."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt, model_validator

from hallmarks.claims.claim import Claim, Reduce
from hallmarks.claims.verdicts import ALL_SEEDS, MEAN, NOT, NOT_COMPARABLE, Evidence

if TYPE_CHECKING:
    import pandas as pd

# Of the first distance, at most so much is left at the last variation (a choice).
LEFT = 0.5


class Settings(Claim):
    """A claim that a measure tends to a limit along some variations of an experiment, or of a study."""

    variations_in: ClassVar[str] = "variations"

    kind: Literal["tends"]
    reduce: Reduce = "value"
    variations: Annotated[list[NonNegativeInt], Field(min_length=2)] | None = None
    """In the order in which the limit comes nearer, by position; only of a study may it be left out: all."""
    limit: float

    @model_validator(mode="after")
    def named(self) -> "Settings":
        if self.experiment and self.variations is None:
            raise ValueError(
                "of an experiment, name the `variations` in the order in which the limit comes nearer"
            )
        return self


def judge(claim: dict, evidence: Evidence, scale: str) -> dict[str, str]:
    """Does the distance from the limit fall at each step and by half in all, seed by seed or in the mean?"""
    distance = (evidence.paired - claim["limit"]).abs()
    tending = tends(distance)
    in_the_mean = bool(tends(distance.mean().to_frame().T).all())
    result = {"paper": f"→ {claim['limit']:g}", "ours": evidence.ours()}
    if evidence.incomparable or distance.empty:
        return result | {"verdict": NOT_COMPARABLE, "note": evidence.incomparable or "no seed has them all"}
    if tending.all() and in_the_mean:
        return result | {"verdict": ALL_SEEDS, "note": ""}
    note = f"in {tending.sum()} of {len(tending)} seeds"
    return result | {"verdict": MEAN if in_the_mean else NOT, "note": note}


def tends(distance: "pd.DataFrame") -> "pd.Series":
    """Of each row of distances [seed, variation]: does it fall at each step, and by half in all?"""
    falls = (distance.diff(axis=1).iloc[:, 1:] < 0).all(axis=1)
    return falls & (distance.iloc[:, -1] <= LEFT * distance.iloc[:, 0])
