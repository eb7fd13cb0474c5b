"""What every kind of claim states in the configuration, and what the workflow asks of it."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from hallmarks.claims.reductions import REDUCTIONS
from hallmarks.config.strict import Name, Strict, Target
from hallmarks.measures import derived, logged

Reduce = Annotated[
    Literal[tuple(REDUCTIONS)],
    Field(description="How a measure along the trajectory becomes one number."),
]


class Claim(Strict):
    """A statement of the paper about a measure in some variations of an experiment, or of a study."""

    variations_in: ClassVar[str]
    """The field that names these variations, by their positions in the experiment's list."""

    kind: str
    statement: str
    section: str
    experiment: Name | None = None
    study: Name | None = None
    """In place of an experiment: the study whose table has `measure` as a column."""
    by: str | None = None
    """The study's column of which each value is a variation, in the order of the table; without it, all rows
    are one."""
    where: dict[str, JsonValue] = {}
    """Only the rows of the study that have these values in these columns."""
    measure: str = "mds"
    """A measure of results/measures, one that follows from the kernel, such as `mds_every_5th`, or one of the
    log, such as `test_accuracy`, in percent."""
    figure: Target | None = None
    """The figure that shows it."""

    @model_validator(mode="after")
    def of_one(self) -> "Claim":
        if (self.experiment is None) == (self.study is None):
            raise ValueError("a claim is about an `experiment` or a `study`; name one of them")
        if self.experiment and (self.by or self.where):
            raise ValueError("`by` and `where` are about the table of a study")
        if self.study and "measure" not in self.model_fields_set:
            raise ValueError("give the `measure`, a column of the study's table")
        if self.study and getattr(self, "reduce", "value") != "value":
            raise ValueError("`reduce` is about a measure along a trajectory; a study has none")
        return self

    def positions(self) -> list[int]:
        """The variations that are compared, 0 the first in the experiment's list or the study's table."""
        value = getattr(self, self.variations_in)
        return value if isinstance(value, list) else [] if value is None else [value]

    def reads(self) -> str:
        """The kind of results that it is judged by: measures, kernels, runs (their logs) or studies."""
        if self.study:
            return "studies"
        if derived.module_name(self.measure):
            return "kernels"
        return "runs" if self.measure in logged.NAMES else "measures"

    def needs_drops(self) -> bool:
        """Whether the claim is about drops of the learning rate."""
        if self.study:
            return False
        reduction = REDUCTIONS[getattr(self, "reduce", "value")]
        return reduction.needs_drops or derived.needs_drops(self.measure)

    def modules(self) -> list[str]:
        """The modules that judge this claim: that of its kind, and that of a derived measure."""
        return [type(self).__module__, *filter(None, [derived.module_name(self.measure)])]

    def with_labels(self, labels: list[str]) -> dict[str, Any]:
        """The claim as its table's settings state it: an experiment's variations by label, not position."""
        value = getattr(self, self.variations_in)
        if self.study is None:
            value = [labels[at] for at in value] if isinstance(value, list) else labels[value]
        return self.model_dump(exclude_none=True) | {self.variations_in: value}
