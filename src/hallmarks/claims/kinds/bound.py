"""A measure lies above or below a number in some variations of an experiment."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt, model_validator

from hallmarks.claims.claim import Claim, Reduce
from hallmarks.claims.verdicts import ALL_SEEDS, MEAN, NOT, NOT_COMPARABLE, Evidence


class Settings(Claim):
    """A claim that a measure lies above or below a number in some variations of an experiment."""

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
    def one_side(self) -> "Settings":
        if (self.above is None) == (self.below is None):
            raise ValueError("a bound is `above` or `below` a number; give one of them")
        return self


def judge(claim: dict, evidence: Evidence, scale: str) -> dict[str, str]:
    """Does the measure lie on the claimed side of a number, in every run, or at least in the means?"""
    side, limit = ("above", claim["above"]) if claim.get("above") is not None else ("below", claim["below"])
    sign = 1 if side == "above" else -1
    broken = [name for name, values in evidence.seeds.items() if not sign * (values.mean() - limit) > 0]
    inside = [sign * (value - limit) > 0 for values in evidence.seeds.values() for value in values]
    result = {
        "paper": " ".join(filter(None, [evidence.reads, f"{side} {limit:g}"])),
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
