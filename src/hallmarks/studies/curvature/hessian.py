"""The top eigenpairs of a loss's Hessian: Lanczos on products of the Hessian with vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from curvlinops import HessianLinearOperator
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hallmarks.errors import UserError


class Loss(nn.Module):
    """An objective as curvlinops takes it: the mean loss of a batch alone."""

    reduction = "mean"

    def __init__(self, objective: Callable[[Tensor, Tensor], tuple[Tensor, int, Tensor]]):
        super().__init__()
        self.objective = objective

    def forward(self, scores: Tensor, targets: Tensor) -> Tensor:
        return self.objective(scores, targets)[0]


@dataclass(frozen=True)
class Eigenpairs:
    """`values` [k], the largest first, with orthonormal `vectors` [p, k], both float64.

    `residual` is ‖Hv₁−λ₁v₁‖/|λ₁|, Hv₁ by double backward in float64: an eigenvalue of H lies within this
    share of λ₁, whatever Lanczos was given.
    """

    values: np.ndarray
    vectors: np.ndarray
    residual: float


class Hessian:
    """H(θ) of the mean loss over `batches`, plus `decay` times the identity; rows in the model's own order.

    The model is used as in training, BatchNorm with each batch's own statistics, and can be used for nothing
    else then.
    """

    def __init__(
        self, model: nn.Module, objective: Callable, batches: list[tuple[Tensor, Tensor]], decay: float = 0.0
    ):
        self.model, self.loss, self.batches, self.decay = model, Loss(objective), batches, decay
        for module in model.train().modules():
            if isinstance(module, _BatchNorm):
                module.forward = partial(normalised, module)

    def at(self, point: dict[str, np.ndarray], precision: str) -> LinearOperator:
        """H at θ in `float32` or `float64`, an operator on vectors [p] of float64.

        Raises UserError where the point's parameters are not the model's.
        """
        kind = getattr(torch, precision)
        model = self.model.to(kind)
        self.set(model, point)
        data = [(x.to(kind) if x.is_floating_point() else x, y) for x, y in self.batches]
        parameters = list(model.parameters())
        hessian = HessianLinearOperator(model, self.loss, parameters, data, check_deterministic=False)
        device = parameters[0].device

        def product(vector: np.ndarray) -> np.ndarray:
            given = torch.from_numpy(np.ascontiguousarray(vector.ravel())).to(device, kind)
            return (hessian @ given).double().cpu().numpy() + self.decay * vector.ravel()

        return LinearOperator(hessian.shape, matvec=product, dtype=np.float64)

    @staticmethod
    def set(model: nn.Module, point: dict[str, np.ndarray]) -> None:
        """Give the model a point's values."""
        own = {name: parameter.shape for name, parameter in model.named_parameters()}
        if own != {name: tuple(array.shape) for name, array in point.items()}:
            differing = sorted(own.keys() ^ point.keys()) or ["the shape of one"]
            raise UserError(f"the trajectory's parameters are not the model's, {differing[0]} among them")
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(torch.from_numpy(point[name]))

    def top(
        self, point: dict[str, np.ndarray], k: int, precision: str, tolerance: float, start: np.ndarray
    ) -> Eigenpairs:
        """The k largest eigenvalues at θ, by Lanczos from `start` [p] to a relative `tolerance`.

        Raises UserError where there are not so many, or the largest is not found.
        """
        operator = self.at(point, precision)
        if k >= operator.shape[0]:
            raise UserError(f"eigenvalues: {k} is not less than the {operator.shape[0]} parameters")
        try:
            values, vectors = eigsh(operator, k, which="LA", v0=start, tol=tolerance)
        except ArpackNoConvergence:
            raise UserError(
                f"tolerance: Lanczos does not get to {tolerance:g} in {precision}; raise it, or take float64"
            ) from None
        except ArpackError:  # of products that are no numbers
            raise UserError(f"the Hessian's products are not finite in {precision} at this point") from None
        order = np.argsort(values)[::-1]
        values, vectors = values[order], vectors[:, order]
        product = self.product(point, vectors[:, 0])
        residual = np.linalg.norm(product - values[0] * vectors[:, 0]) / abs(values[0])
        if not residual <= 10 * tolerance:  # nor where it is no number
            raise UserError(
                f"the Hessian's products are wrong for this network in {precision}: the largest eigenpair's "
                f"residual is {residual:.2g}, at a tolerance of {tolerance:g}"
            )
        return Eigenpairs(values, vectors, float(residual))

    def product(self, point: dict[str, np.ndarray], vector: np.ndarray) -> np.ndarray:
        """Hv at θ by double backward in float64, without curvlinops."""
        model = self.model.double()
        self.set(model, point)
        parameters = list(model.parameters())
        given = torch.from_numpy(vector).to(parameters[0].device).split([p.numel() for p in parameters])
        parts = [part.view_as(p) for part, p in zip(given, parameters, strict=True)]
        total = self.decay * vector
        for x, y in self.batches:
            loss = self.loss(model(x.double() if x.is_floating_point() else x), y)
            gradient = torch.autograd.grad(loss, parameters, create_graph=True)
            products = torch.autograd.grad(gradient, parameters, parts, materialize_grads=True)
            flat = torch.cat([each.reshape(-1) for each in products])
            total = total + flat.cpu().numpy() / len(self.batches)
        return total


def normalised(module: _BatchNorm, x: Tensor) -> Tensor:
    """BatchNorm by the batch's own statistics, in plain arithmetic.

    Running statistics are no part of the loss, and the derivatives that curvlinops takes (jvp of jacrev) of
    torch's own function lack a part of the scales': in PyTorch 2.15 by 2% of a product.
    """
    over = [0, *range(2, x.dim())]
    centred = x - x.mean(over, keepdim=True)
    scaled = centred * torch.rsqrt(centred.square().mean(over, keepdim=True) + module.eps)
    if not module.affine:
        return scaled
    shape = [1, -1] + [1] * (x.dim() - 2)
    return scaled * module.weight.view(shape) + module.bias.view(shape)
