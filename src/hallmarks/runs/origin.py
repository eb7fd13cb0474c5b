"""Where a run comes from, and what the workflow asks of it; the rest of the house does not know which it is.

An origin is a module of `hallmarks.origins` whose `Settings` is an `Origin`: trained, branched, simulated. A
task of the configuration says which with `origin`, and everything else that it says is that origin's own.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from hallmarks.config.strict import Choices, Strict, Unit


@dataclass(frozen=True)
class Time:
    """How a run counts its time, and where its learning rate drops."""

    unit: Unit
    drops: list[int]


@dataclass(frozen=True)
class Cost:
    """What a run takes: of the trajectory `points`, `parameters` and their `tensors`; of the making `steps`,
    `flops` and their `precision` (float32, tf32, bf16), how many files are `decoded`, and the numbers in the
    `state` from which it goes on; and the bytes that are `fetched` in place of being kept."""

    points: int
    parameters: int
    tensors: int
    steps: int
    flops: float
    decoded: int = 0
    state: int = 0
    precision: str = "float32"
    fetched: int = 0


@dataclass(frozen=True)
class Epoch:
    """The steps of an epoch, and the examples that they take."""

    steps: int
    examples: int


@dataclass(frozen=True)
class Making:
    """What an origin is told to make a run: name and seed, prepared data, where to write, when to stop.

    `device` gives the torch device that the user wants; only an origin that asks for it imports torch. Of a
    run that others branch from, `keep` are the steps after which its state is kept; where only those are
    wanted, it ends after `until`. Of a branch, `keep` are those of its `parent`, which is that run's folder,
    and `scratch` is where the parent's states are made again that are not there.
    """

    run: str
    seed: int
    data: Path | None
    folder: Path
    device: Callable[[], Any]
    stop: Callable[[], bool]
    keep: tuple[int, ...] = ()
    until: int | None = None
    parent: Path | None = None
    scratch: Path | None = None


@dataclass(frozen=True)
class Parent:
    """The run that another goes on from: its task, its settings, and the steps after which it is needed."""

    task: str
    settings: "Origin"
    steps: tuple[int, ...]


class Origin(Strict):
    """A task: everything that decides its runs, and the answers to what the workflow asks.

    Where an origin keeps no points, a run is what there is to read, and its kernel computed while it is read.
    """

    keeps_points: ClassVar[bool] = True
    choices: Choices = {}

    def resolved(self) -> dict[str, Any]:
        """The settings, every default spelled out, without the reasons of choices, which change no number."""
        return self.model_dump(exclude={"choices"})

    def given(self) -> dict[str, Any]:
        """The settings that are not at their defaults."""
        return self.model_dump(exclude={"choices"}, exclude_defaults=True)

    def decides(self) -> dict[str, Any]:
        """The settings of which its identity is made."""
        return self.resolved()

    def check(self) -> None:
        """Raise UserError, the key first, where the settings cannot be run."""

    def data_sets(self) -> list[str]:
        """The data sets that must be there."""
        return []

    def parent_run(self) -> Parent | None:
        """The run whose state its runs, each with the same seed, go on from; None where they start afresh."""
        return None

    def modules(self) -> list[str]:
        """The modules that decide its numbers, its own unless it says others; what they import is found."""
        return [type(self).__module__]

    def kernel_modules(self) -> tuple[str, ...]:
        """The modules that decide the kernels of its runs."""
        return ("hallmarks.kernel.compute",)

    @abstractmethod
    def steps(self) -> int:
        """Updates of the whole run."""

    def epoch(self) -> Epoch | None:
        """What an epoch is; None of a run that has steps only."""
        return None

    @abstractmethod
    def time(self) -> Time:
        """For figures and claims."""

    @abstractmethod
    def describe(self) -> str:
        """A line for captions: what is made, and how."""

    @abstractmethod
    def cost(self) -> Cost:
        """For `hallmarks plan`."""

    @abstractmethod
    def make(self, making: Making) -> bool:
        """Make `trajectory/`, whole, and `log.csv` in `making.folder / "output"`; True where it diverged.

        Goes on from what an earlier attempt left in the folder. Raises Interrupted once `stop()` is true.
        """
