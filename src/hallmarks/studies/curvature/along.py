"""A run's windows: the Hessian at some of their points, and each update in its top eigenvectors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from hallmarks.data.draws import derived_seed
from hallmarks.errors import UserError
from hallmarks.models import initialised
from hallmarks.runs.study import FinishedRun
from hallmarks.studies.curvature.hessian import Hessian
from hallmarks.studies.curvature.windows import windows_of
from hallmarks.trajectory.reader import Trajectory, read_trajectory

if TYPE_CHECKING:
    from hallmarks.studies.curvature import Settings

ORDER = 3  # a stream of random numbers beside those of the data: no run has this order


def rows_of(study: Settings, run: FinishedRun, device: torch.device) -> Iterator[dict[str, Any]]:
    """The rows of one run's windows. Raises UserError."""
    trajectory, hessian = read_trajectory(run.trajectory), hessian_of(study, run, device)
    names = [name for name, _ in hessian.model.named_parameters()]
    if list(trajectory.parameters) != names:
        raise UserError(
            f"{run.trajectory}: its parameters, or their order, are not those of {run.name}'s model"
        )
    before = None
    for window in windows_of(trajectory.points):
        for begin in range(0, len(window) - 1, study.every):
            block = window[begin : begin + study.every + 1]
            point = trajectory.points[block[0]]
            theta = trajectory.load(block[0])
            start = flat(theta, names) if before is None else before.vectors.sum(axis=1)
            pairs = hessian.top(theta, study.eigenvalues, study.precision, study.tolerance, start)
            if before is not None:  # a vector's sign says nothing; kept, it is that of one direction
                pairs.vectors[:, 0] *= np.sign(pairs.vectors[:, 0] @ before.vectors[:, 0]) or 1
            before = pairs
            told = {"run": run.name, "window": trajectory.points[window[0]].step}
            stability = point.learning_rate * pairs.values[0]
            said = f"λ₁ {pairs.values[0]:.4g}, ηλ₁ {stability:.3g}, residual {pairs.residual:.1g}"
            print(f"{run.name}: step {point.step}: {said}", file=sys.stderr, flush=True)
            here = told | {"step": point.step, "epoch": point.epoch}
            for rank, value in enumerate(pairs.values):
                yield here | {"measure": "eigenvalue", "index": rank, "value": value}
            displacement = moved(trajectory, names, window[0], window[-1])
            for measure, value in {
                "residual": pairs.residual,
                "stability": stability,
                "bound": 2 * (1 + run.settings.recipe.optimizer.momentum),
                "chance": study.eigenvalues / len(displacement),
                "share_displacement": share(pairs.vectors, displacement),
            }.items():
                yield here | {"measure": measure, "index": None, "value": value}
            for index in block[:-1]:
                point, update = trajectory.points[index], moved(trajectory, names, index, index + 1)
                here = told | {"step": point.step, "epoch": point.epoch, "index": None}
                yield here | {"measure": "share", "value": share(pairs.vectors, update)}
                yield here | {"measure": "alignment", "value": cosine(pairs.vectors[:, 0], update)}


def hessian_of(study: Settings, run: FinishedRun, device: torch.device) -> Hessian:
    """The Hessian of a run's own loss, on the study's batches; its products are never in TF32."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    settings, recipe = run.settings, run.settings.recipe
    seed = derived_seed(ORDER, study.seed)
    batches = settings.data.batches(run.data, recipe.batch_size, seed, device)
    if study.batches > batches.steps_per_epoch:
        raise UserError(f"batches: {study.batches} is more than the {batches.steps_per_epoch} of an epoch")
    model = initialised(settings.model, batches.shape, 0).to(device)
    chosen = [batches.batch(0, index) for index in range(study.batches)]
    return Hessian(model, recipe.objective, chosen, recipe.optimizer.weight_decay)


def flat(point: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
    """θ [p] in float64, in the order of `names`."""
    return np.concatenate([point[name].ravel() for name in names]).astype(np.float64)


def moved(trajectory: Trajectory, names: list[str], first: int, last: int) -> np.ndarray:
    """θ_last − θ_first [p] in float64."""
    return flat(trajectory.load(last), names) - flat(trajectory.load(first), names)


def share(vectors: np.ndarray, update: np.ndarray) -> float:
    """‖Vᵀu‖²/‖u‖² of orthonormal columns V; NaN of a zero update."""
    length = update @ update
    return float(np.sum((vectors.T @ update) ** 2) / length) if length else float("nan")


def cosine(vector: np.ndarray, update: np.ndarray) -> float:
    """vᵀu/‖u‖ of a unit vector v; NaN of a zero update."""
    length = np.linalg.norm(update)
    return float(vector @ update / length) if length else float("nan")
