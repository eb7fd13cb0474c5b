"""Heavy-ball gradient descent on a quadratic, in its eigenbasis and in float64."""

import numpy as np


def heavy_ball(
    curvatures: np.ndarray,
    start: np.ndarray,
    *,
    learning_rate: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    minimum: np.ndarray | float = 0.0,
    length: int,
) -> np.ndarray:
    """The points θ_0 … θ_T, float64 [length + 1, d], from `start` [d].

    The loss is ½ Σ λᵢ (θᵢ − θᵢ*)² of these curvatures λ [d] about the minimum θ* [d]. As PyTorch's SGD does
    it: v ← μ v + ∇L(θ) + α θ, θ ← θ − η v, with v = 0 at the start. Where it diverges, values that are not
    finite follow, without a warning.
    """
    points = np.empty((length + 1, len(start)))
    points[0], velocity = start, np.zeros(len(start))
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(length):
            gradient = curvatures * (points[t] - minimum) + weight_decay * points[t]
            velocity = momentum * velocity + gradient
            points[t + 1] = points[t] - learning_rate * velocity
    return points
