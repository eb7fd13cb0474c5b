"""The top of the Hessian along trajectories, and the share of each update in it (ICLR abstract)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from hallmarks.errors import UserError
from hallmarks.runs.origin import Origin
from hallmarks.runs.study import FinishedRun, StudyOfRuns

if TYPE_CHECKING:
    import pandas as pd


class Settings(StudyOfRuns):
    """The top eigenpairs of the Hessian at some points of the runs' windows, and the updates in their span.

    The Hessian is of the loss whose gradient an update follows: the mean over `batches` training batches, of
    the run's size and augmentation, BatchNorm with each batch's own statistics, plus weight decay's ½α‖θ‖²,
    which PyTorch's SGD adds. The batches are the first of an order of their own, drawn from `seed`.
    """

    study: Literal["curvature"] = "curvature"
    notebook: str = "curvature"
    eigenvalues: PositiveInt
    """How many, the largest first."""
    every: PositiveInt
    """Of each window the first point and each k-th after it; updates up to the next use its eigenvectors."""
    batches: PositiveInt
    seed: NonNegativeInt = 0
    precision: Literal["float32", "float64"] = "float64"
    """Of the Hessian's products; the largest eigenpair's residual is always taken in float64."""
    tolerance: Annotated[PositiveFloat, Field(lt=1)] = 1e-3
    """At which Lanczos stops: an eigenvalue's error, as a share of it."""

    def check(self, settings: Origin) -> None:
        """Raise UserError where the runs have no windows, or their updates no known bound of stability."""
        # By name: importing the origin would make its log and states decide these numbers.
        if getattr(settings, "origin", None) != "trained":
            raise UserError("its runs are not trained here, and a Hessian needs their loss")
        if settings.recipe.optimizer.name != "sgd":
            raise UserError(
                f"the bound of stability is SGD's, and its runs have {settings.recipe.optimizer.name}"
            )
        if not settings.recipe.points.windows:
            raise UserError("its runs have no point at every step; give their task recipe.points.windows")

    def table(self, runs: list[FinishedRun], device: Callable[[], Any]) -> "pd.DataFrame":
        """A row a number: run, window (its first step), step, epoch, measure, index, value.

        At the points that have a Hessian: `eigenvalue` (by rank from 0, of the regularised loss), `residual`
        (‖Hv₁−λ₁v₁‖/λ₁: an eigenvalue lies within it), `stability` ηλ₁, `bound` 2(1+μ), `chance` k/p, and
        `share_displacement`, the share of the window's whole displacement in these eigenvectors. At each
        step: `share`, ‖Vᵀu‖²/‖u‖² of the update u, and `alignment`, the cosine of u and v₁.
        """
        import pandas as pd

        from hallmarks.studies.curvature.along import rows_of

        where = device()
        return pd.DataFrame([row for run in runs for row in rows_of(self, run, where)])
