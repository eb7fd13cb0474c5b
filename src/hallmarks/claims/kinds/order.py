"""A measure rises along some variations of an experiment."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt

from hallmarks.claims.claim import Claim, Reduce
from hallmarks.claims.verdicts import ALL_SEEDS, MEAN, NOT, NOT_COMPARABLE, Evidence


class Settings(Claim):
    """A claim that a measure rises along some variations of an experiment (positions in its list)."""

    variations_in: ClassVar[str] = "ascending"

    kind: Literal["order"]
    reduce: Reduce = "value"
    ascending: Annotated[list[NonNegativeInt], Field(min_length=2)]
    """The variations in the order in which the measure rises, 0 the first in the experiment's list."""


def judge(claim: dict, evidence: Evidence, scale: str) -> dict[str, str]:
    """Does the measure rise along the variations, seed against the same seed, or at least in the mean?"""
    seeds, paired = evidence.seeds, evidence.paired
    means = {name: values.mean(skipna=False) for name, values in seeds.items()}
    rising = (paired.diff(axis=1).iloc[:, 1:] > 0).all(axis=1)
    broken = [f"{low} is not below {high}" for low, high in pairwise(seeds) if not means[low] < means[high]]
    result = {"paper": " < ".join(seeds), "ours": evidence.ours()}
    reason = evidence.incomparable or (
        "" if len(seeds) == len(claim["ascending"]) else "variations are equal"
    )
    if reason:
        return result | {"verdict": NOT_COMPARABLE, "note": reason}
    if len(paired) and rising.all() and not broken:
        return result | {"verdict": ALL_SEEDS, "note": ""}
    note = f"in {rising.sum()} of {len(paired)} seeds"
    if broken:
        return result | {"verdict": NOT, "note": f"{note}; in the mean {', '.join(broken)}"}
    return result | {"verdict": MEAN, "note": note}
