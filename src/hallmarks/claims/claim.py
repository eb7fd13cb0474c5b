"""What every kind of claim states in the configuration, and what the workflow asks of it."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from hallmarks.claims.reductions import REDUCTIONS
from hallmarks.config.strict import Name, Strict

Reduce = Annotated[
    Literal[tuple(REDUCTIONS)],
    Field(description="How a measure along the trajectory becomes one number."),
]


class Claim(Strict):
    """A statement of the paper about a measure in some variations of an experiment."""

    variations_in: ClassVar[str]
    """The field that names these variations, by their positions in the experiment's list."""

    kind: str
    statement: str
    section: str
    experiment: Name
    measure: str = "mds"
    """A measure of results/measures, or one that follows from the kernel, such as `mds_every_5th`."""

    def positions(self) -> list[int]:
        """The variations that are compared, 0 the first in the experiment's list."""
        value = getattr(self, self.variations_in)
        return value if isinstance(value, list) else [value]

    def needs_kernels(self) -> bool:
        """Whether the measure follows from the kernel, not from the tables of measures."""
        from hallmarks.measures import derived

        return derived.module_name(self.measure) is not None

    def needs_drops(self) -> bool:
        """Whether the claim is about drops of the learning rate."""
        from hallmarks.measures import derived

        reduction = REDUCTIONS[getattr(self, "reduce", "value")]
        return reduction.needs_drops or derived.needs_drops(self.measure)

    def modules(self) -> list[str]:
        """The modules that judge this claim: that of its kind, and that of a derived measure."""
        from hallmarks.measures import derived

        return [type(self).__module__, *filter(None, [derived.module_name(self.measure)])]

    def with_labels(self, labels: list[str]) -> dict[str, Any]:
        """The claim as its table's settings state it: variations by label in place of position."""
        value = getattr(self, self.variations_in)
        named = [labels[at] for at in value] if isinstance(value, list) else labels[value]
        return self.model_dump() | {self.variations_in: named}
