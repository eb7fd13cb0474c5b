"""A measure lies above or below a number, or between two, in some variations of an experiment."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt, model_validator

from hallmarks.claims.claim import Claim, Reduce
from hallmarks.claims.verdicts import ALL_SEEDS, MEAN, NOT, NOT_COMPARABLE, Evidence


class Settings(Claim):
    """A claim that a measure lies above or below a number, or between two, in some variations."""

    variations_in: ClassVar[str] = "variations"

    kind: Literal["bound"]
    variations: Annotated[list[NonNegativeInt], Field(min_length=1)]
    """By their positions in the experiment's list, from 0."""
    measure: str
    """A measure of results/measures, or one that follows from the kernel, such as `block_contrast`."""
    reduce: Reduce = "value"
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def a_side(self) -> "Settings":
        if self.above is None and self.below is None:
            raise ValueError("a bound is `above` or `below` a number, or both; give one of them")
        if None not in (self.above, self.below) and self.above >= self.below:
            raise ValueError(f"no number is above {self.above:g} and below {self.below:g}")
        return self


def judge(claim: dict, evidence: Evidence, scale: str) -> dict[str, str]:
    """Does the measure lie on the claimed side of each number, in every run, or at least in the means?"""
    sides = [f"{side} {claim[side]:g}" for side in ("above", "below") if claim.get(side) is not None]
    broken = [name for name, values in evidence.seeds.items() if not lies(claim, values.mean())]
    inside = [lies(claim, value) for values in evidence.seeds.values() for value in values]
    result = {
        "paper": " ".join(filter(None, [evidence.reads, " and ".join(sides)])),
        "ours": evidence.ours(),
    }
    if evidence.incomparable:
        return result | {"verdict": NOT_COMPARABLE, "note": evidence.incomparable}
    if all(inside):
        return result | {"verdict": ALL_SEEDS, "note": ""}
    note = f"in {sum(inside)} of {len(inside)} runs"
    if broken:
        return result | {"verdict": NOT, "note": f"{note}; in the mean not for {', '.join(broken)}"}
    return result | {"verdict": MEAN, "note": note}


def lies(claim: dict, value: float) -> bool:
    """Whether a number lies where the claim says; NaN lies nowhere."""
    above, below = claim.get("above"), claim.get("below")
    return value == value and (above is None or value > above) and (below is None or value < below)
