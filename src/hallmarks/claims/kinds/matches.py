"""From some variation on, a measure matches that of a reference, within the spread of its seeds."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt, model_validator

from hallmarks.claims.claim import Claim, Reduce
from hallmarks.claims.verdicts import ALL_SEEDS, MEAN, NOT, NOT_COMPARABLE, Evidence


class Settings(Claim):
    """A claim that from some variation on, a measure is not below a reference by more than its spread."""

    variations_in: ClassVar[str] = "variations"

    kind: Literal["matches"]
    reduce: Reduce = "value"
    variations: Annotated[list[NonNegativeInt], Field(min_length=2)]
    """By position: those of which one begins to match, in order, and last the reference that they match."""

    @model_validator(mode="after")
    def once(self) -> "Settings":
        if self.variations[-1] in self.variations[:-1]:
            raise ValueError("the last of `variations` is the reference, and cannot match itself")
        return self


def judge(claim: dict, evidence: Evidence, scale: str) -> dict[str, str]:
    """From which variation on is the measure at least the reference's less its seeds' standard deviation?

    In all seeds: each against the same seed of the reference; else in the mean over seeds.
    """
    *names, reference = evidence.seeds
    spread = evidence.seeds[reference].std()
    result = {"paper": f"matches {reference} from some variation on", "ours": evidence.ours()}
    paired = evidence.paired
    reason = evidence.incomparable
    reason = reason or ("" if spread == spread else f"{reference} has one seed, and no spread")
    reason = reason or ("" if len(paired) else "no seed is common to all")
    if reason:
        return result | {"verdict": NOT_COMPARABLE, "note": reason}
    short = paired[names].rsub(paired[reference], axis=0) > spread
    in_all = first_of_the_last(names, [not short[name].any() for name in names])
    means = {name: values.mean() for name, values in evidence.seeds.items()}
    in_mean = first_of_the_last(names, [means[reference] - means[name] <= spread for name in names])
    if in_all:
        return result | {"verdict": ALL_SEEDS, "note": f"from {in_all} on"}
    if in_mean:
        return result | {"verdict": MEAN, "note": f"from {in_mean} on"}
    return result | {"verdict": NOT, "note": f"not even {names[-1]}"}


def first_of_the_last(names: list[str], holds: list[bool]) -> str | None:
    """The first name from which on all hold; None where the last does not."""
    failing = [at for at, each in enumerate(holds) if not each]
    after = names[failing[-1] + 1 :] if failing else names
    return after[0] if after else None
