"""A number of the paper's, beside ours."""

from typing import ClassVar, Literal

from pydantic import NonNegativeInt

from hallmarks.claims.claim import Claim
from hallmarks.claims.verdicts import ALL_SEEDS, MEAN, NOT, NOT_COMPARABLE, Evidence, spread

# A choice, since the paper gives one seed and no spread; its closest rows, ω of 0.882 and 0.885, lie nearer.
TOLERANCE = 0.03


class Settings(Claim):
    """A number of the paper's, beside ours."""

    variations_in: ClassVar[str] = "variation"

    kind: Literal["number"]
    variation: NonNegativeInt
    """By its position in the experiment's list, from 0; of a study's table without `by`, 0."""
    measure: str = "mds"
    """Of one value a run: a measure of results/measures such as `mds`, or `test_accuracy`, in percent."""
    paper: float
    """The paper's number."""


def judge(claim: dict, evidence: Evidence, scale: str) -> dict[str, str]:
    """Is ours within TOLERANCE of the paper's number? Judged at the paper's scale only.

    A study's is judged at every scale, since nothing is trained for it.
    """
    (values,) = evidence.seeds.values()
    paper = float(claim["paper"])
    near = (values - paper).abs() <= TOLERANCE * abs(paper)
    result = {"paper": f"{paper:g}", "ours": spread(values), "note": ""}
    elsewhere = "" if scale == "paper" or claim.get("study") else f"ours is at {scale} scale"
    if reason := evidence.incomparable or elsewhere:
        return result | {"verdict": NOT_COMPARABLE, "note": reason}
    if near.all():
        return result | {"verdict": ALL_SEEDS}
    note = f"in {near.sum()} of {len(near)} seeds within {TOLERANCE:.0%}"
    holds = abs(values.mean() - paper) <= TOLERANCE * abs(paper)
    return result | {"verdict": MEAN if holds else NOT, "note": note}
