"""How often the bounds of Lemma 1 fail on random quadratics, as printed and as corrected (App. A)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, PositiveInt

from hallmarks.config.types import Seed
from hallmarks.runs.study import Study

if TYPE_CHECKING:
    import pandas as pd

Random = np.random.Generator
# Eigenvalues [draws, d] of M, by the name of their distribution, with what it is.
SPECTRA: dict[str, tuple[str, Callable[[Random, int, int], np.ndarray]]] = {
    "uniform": ("uniform on [0, 1]", lambda random, n, d: random.uniform(0, 1, (n, d))),
    "log-uniform": (
        "10 to a power uniform on [−4, 0]",
        lambda random, n, d: 10 ** random.uniform(-4, 0, (n, d)),
    ),
    "degenerate": (
        "0 but for one in five, which are uniform on [0, 1], as the Hessians of networks are degenerate",
        lambda random, n, d: np.where(np.arange(d) < -(-d // 5), random.uniform(0, 1, (n, d)), 0.0),
    ),
    "wishart": (
        "those of XXᵀ/2d, X standard normal d×2d",
        lambda random, n, d: np.linalg.eigvalsh(squared(random.standard_normal((n, d, 2 * d)))),
    ),
    "symmetric": (
        "those of (X+Xᵀ)/√(8d), X standard normal d×d: of both signs",
        lambda random, n, d: np.linalg.eigvalsh(symmetric(random.standard_normal((n, d, d)))),
    ),
}
# What c is in the eigenvalues (c − ηα − ηλ)(λ + α)² of Z, for each recursion, of η and μ.
RECURSIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "as printed": lambda eta, mu: 1 - mu * eta,
    "heavy ball": lambda eta, mu: 1 + mu,
}
BOUNDS = ("λ₁ and λ_d", "all eigenvalues")


class Settings(Study):
    """How often the bounds of Lemma 1 fail on random quadratics, as printed and as corrected."""

    study: Literal["lemma-1"] = "lemma-1"
    notebook: str = "lemma-1"
    draws: PositiveInt
    """Of each distribution of the eigenvalues."""
    dimension: Annotated[int, Field(ge=2)] = 10
    seed: Seed = 0

    def table(self) -> "pd.DataFrame":
        """A row a distribution, recursion and bounds: the columns of `row_of`."""
        import pandas as pd

        rows = []
        for number, name in enumerate(SPECTRA):
            drawn = draw(name, self.draws, self.dimension, np.random.default_rng([self.seed, number]))
            rows += [
                {"distribution": name, "recursion": recursion, "bounds": bounds}
                | row_of(drawn, recursion, bounds)
                for recursion in RECURSIONS
                for bounds in BOUNDS
            ]
        return pd.DataFrame(rows)


@dataclass(frozen=True)
class Quadratics:
    """Random problems in their eigenbasis: λ descending and θ_{t−1} [draws, d]; η, μ and α [draws, 1]."""

    curvatures: np.ndarray
    theta: np.ndarray
    eta: np.ndarray
    mu: np.ndarray
    alpha: np.ndarray

    def spectrum(self, recursion: str) -> np.ndarray:
        """The eigenvalues of Z, (c − ηα − ηλ)(λ + α)², in the order of λ, [draws, d]."""
        shifted = self.curvatures + self.alpha
        return (RECURSIONS[recursion](self.eta, self.mu) - self.eta * shifted) * shifted**2


def draw(name: str, draws: int, dimension: int, random: Random) -> Quadratics:
    """Random problems: η max|λ| uniform on (0, 2), μ on (0, 1), α log-uniform on [1e-4, 1].

    θ is standard normal: it has no preferred direction, so that the eigenvectors of M do not matter.
    """
    curvatures = np.sort(SPECTRA[name][1](random, draws, dimension), axis=1)[:, ::-1]
    eta = random.uniform(0, 2, (draws, 1)) / np.abs(curvatures).max(axis=1, keepdims=True)
    mu, alpha = random.uniform(0, 1, (draws, 1)), 10 ** random.uniform(-4, 0, (draws, 1))
    return Quadratics(curvatures, random.standard_normal((draws, dimension)), eta, mu, alpha)


def row_of(drawn: Quadratics, recursion: str, bounds: str) -> dict[str, float]:
    """How often ⟨Δ_t, Δ_{t+1}⟩ / η_t η_{t+1} = θᵀZθ lies above the upper or below the lower bound.

    draws; above, below, violations (either); share of violations, with its 95% Wilson interval low, high.
    """
    spectrum, squares = drawn.spectrum(recursion), drawn.theta**2
    product, length = (spectrum * squares).sum(axis=1), squares.sum(axis=1)
    all_of_them = bounds == "all eigenvalues"
    upper = length * (spectrum.max(axis=1) if all_of_them else spectrum[:, -1])
    lower = length * (spectrum.min(axis=1) if all_of_them else spectrum[:, 0])
    rounding = 1e-12 * (np.abs(spectrum) * squares).sum(axis=1)
    above, below = product > upper + rounding, product < lower - rounding
    violations, draws = int((above | below).sum()), len(product)
    low, high = wilson(violations, draws)
    counts = {"draws": draws, "above": int(above.sum()), "below": int(below.sum()), "violations": violations}
    return counts | {"share": violations / draws, "low": low, "high": high}


def wilson(count: int, draws: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95% score interval of a share, which is no point where nothing was found."""
    share, square = count / draws, z**2 / draws
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * np.sqrt(share * (1 - share) / draws + square / (4 * draws))
    return max(0.0, middle - half), min(1.0, middle + half)


def squared(x: np.ndarray) -> np.ndarray:
    return x @ x.swapaxes(1, 2) / x.shape[2]


def symmetric(x: np.ndarray) -> np.ndarray:
    return (x + x.swapaxes(1, 2)) / np.sqrt(8 * x.shape[1])
