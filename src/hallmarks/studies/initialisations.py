"""How alike random initialisations of a model are (the paper's section 3: 0.374 for ResNet50)."""

import itertools
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PositiveInt

from hallmarks.config.registry import Registry
from hallmarks.config.types import Seeds
from hallmarks.data.shape import ImageShape
from hallmarks.runs.study import Study

if TYPE_CHECKING:
    import pandas as pd

MODELS = Registry("hallmarks.models", "model")


class Settings(Study):
    """How alike random initialisations of a model are: every pair of seeds, beside the paper's number."""

    study: Literal["initialisations"] = "initialisations"
    notebook: str = "initialisations"
    model: Annotated[Any, MODELS]
    channels: PositiveInt
    classes: PositiveInt
    seeds: Annotated[Seeds, Field(min_length=2)]
    paper: float
    """The paper's number."""

    def modules(self) -> list[str]:
        """The modules that decide its numbers; what they import is found."""
        return [*super().modules(), MODELS.module_name(self.model.name)]

    def table(self) -> "pd.DataFrame":
        """A row a pair of seeds: seeds, cosine."""
        import pandas as pd

        cosines = initial_cosines(
            self.model, ImageShape(self.channels, self.classes, 224), sorted(self.seeds)
        )
        rows = [(f"{a} and {b}", cosine) for (a, b), cosine in cosines.items()]
        return pd.DataFrame(rows, columns=["seeds", "cosine"])


def initial_cosines(model: Any, shape: ImageShape, seeds: list[int]) -> dict[tuple[int, int], float]:
    """The cosine of θ_0 and θ_0' for each pair of seeds: learnable parameters, float64 sums."""
    import torch

    from hallmarks.models import initialised

    points = {}
    for seed in seeds:
        parameters = initialised(model, shape, seed).parameters()
        point = torch.cat([parameter.detach().reshape(-1) for parameter in parameters]).double()
        points[seed] = point / point.norm()
    return {(a, b): float(points[a] @ points[b]) for a, b in itertools.combinations(seeds, 2)}
