"""How far the weights of a hidden layer turn while they are trained, against width (App. B)."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt

from hallmarks.config.types import Seeds
from hallmarks.runs.study import Study

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

STANDARD, MAXIMAL_UPDATE = "standard", "maximal-update"


def ascending(widths: list[int]) -> list[int]:
    """The first width is where both parametrisations are one network."""
    if sorted(set(widths)) != widths:
        raise ValueError("must ascend, each width once")
    return widths


class Settings(Study):
    """cos(W_T, W_0) of the hidden layer against width, in standard and maximal-update parametrisation.

    The network is V φ(W φ(U x)), φ = ReLU, U [n, 64], W [n, n], V [10, n], without biases, on scikit-learn's
    digits: plain SGD. With n₀ the first width, and η the learning rate at it:

        standard        U ~ N(0, 2/64)   W ~ N(0, 2/n)   V ~ N(0, 1/n)       η n₀/n for each
        maximal update  U ~ N(0, 2/64)   W ~ N(0, 2/n)   V ~ N(0, n₀/n²)     η n/n₀,  η,  η n₀/n

    (Yang et al. 2022, Table 3, for SGD.) At n₀ the two are one.
    """

    study: Literal["width"] = "width"
    widths: Annotated[list[PositiveInt], Field(min_length=2), AfterValidator(ascending)]
    seeds: Seeds
    learning_rate: PositiveFloat
    """At the first width."""
    batch_size: Annotated[int, Field(ge=1, le=1437)]
    length: PositiveInt
    """Updates."""

    def table(self) -> "pd.DataFrame":
        """A row a network: parametrisation, width, seed, cosine, deviation (1 − cosine), loss, accuracy.

        `loss` is that of all training images after the last update, `accuracy` that of the test images.
        """
        import pandas as pd

        data = images()
        rows = [
            {"parametrisation": parametrisation, "width": width, "seed": seed}
            | train(self, parametrisation, width, seed, data)
            for parametrisation in (STANDARD, MAXIMAL_UPDATE)
            for width in self.widths
            for seed in self.seeds
        ]
        return pd.DataFrame(rows)


def images() -> "dict[str, tuple[Tensor, Tensor]]":
    """Digits of mean 0 and variance 1 over the training set, float32 [·, 64], and their labels."""
    import torch

    from hallmarks.data.sets.digits import read

    files = read(None).files
    train, test = (
        torch.from_numpy(files[f"{part}-images.npy"]).flatten(1).float() for part in ("train", "test")
    )
    mean, sd = train.mean(), train.std()
    labels = [torch.from_numpy(files[f"{part}-labels.npy"]) for part in ("train", "test")]
    return {"train": ((train - mean) / sd, labels[0]), "test": ((test - mean) / sd, labels[1])}


def scales(parametrisation: str, width: int, base: int) -> tuple[list[float], list[float]]:
    """The standard deviations of U, W and V at the start, and what multiplies each one's learning rate."""
    ratio = width / base
    deviations = [(2 / 64) ** 0.5, (2 / width) ** 0.5, (1 / width) ** 0.5]
    if parametrisation == STANDARD:
        return deviations, [1 / ratio] * 3
    return [*deviations[:2], deviations[2] / ratio**0.5], [ratio, 1.0, 1 / ratio]


def train(settings: Settings, parametrisation: str, width: int, seed: int, data: dict) -> dict[str, float]:
    """Train one network: cosine, deviation, loss, accuracy. Raises UserError where it diverges."""
    import torch
    from torch.nn.functional import cross_entropy

    from hallmarks.data.draws import epoch_order
    from hallmarks.errors import UserError

    deviations, rates = scales(parametrisation, width, settings.widths[0])
    random = torch.Generator().manual_seed(seed)
    shapes = [(width, 64), (width, width), (10, width)]
    weights = [
        torch.randn(shape, generator=random) * sd for shape, sd in zip(shapes, deviations, strict=True)
    ]
    for weight in weights:
        weight.requires_grad_()
    start = weights[1].detach().clone()

    def scores(x: "Tensor") -> "Tensor":
        for weight in weights[:-1]:
            x = torch.relu(x @ weight.T)
        return x @ weights[-1].T

    (inputs, labels), (unseen, truth) = data["train"], data["test"]
    per_epoch = len(inputs) // settings.batch_size
    for step in range(settings.length):
        epoch, index = divmod(step, per_epoch)
        batch = epoch_order(seed, epoch, len(inputs))[index * settings.batch_size :][: settings.batch_size]
        gradients = torch.autograd.grad(cross_entropy(scores(inputs[batch]), labels[batch]), weights)
        with torch.no_grad():
            for weight, gradient, rate in zip(weights, gradients, rates, strict=True):
                weight -= settings.learning_rate * rate * gradient
    with torch.no_grad():
        deviation = turned(start, weights[1])
        loss = float(cross_entropy(scores(inputs), labels))
        accuracy = float((scores(unseen).argmax(1) == truth).double().mean())
    if not deviation >= 0 or loss != loss:
        raise UserError(
            f"learning_rate: {settings.learning_rate:g} is too large, "
            f"the {parametrisation} network of width {width} diverges with it"
        )
    return {"cosine": 1 - deviation, "deviation": deviation, "loss": loss, "accuracy": accuracy}


def turned(before: "Tensor", after: "Tensor") -> float:
    """1 − cos of two matrices as half the squared distance of the unit vectors, which keeps small ones."""
    before, after = before.double(), after.double()
    return 0.5 * float((before / before.norm() - after / after.norm()).square().sum())
