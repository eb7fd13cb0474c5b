"""What the workflow asks of a study: a table of no trajectory, or of finished runs."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hallmarks.config.strict import Choices, Name, Strict
from hallmarks.runs.origin import Origin

if TYPE_CHECKING:
    import pandas as pd


class AnyStudy(Strict):
    """A study of the configuration: everything that decides its table, and who shows it."""

    title: str
    section: str
    """Of the paper."""
    notebook: str = "study"
    """What shows its table: `study` is notebooks/study.ipynb."""
    choices: Choices = {}

    def resolved(self) -> dict[str, Any]:
        """What decides its numbers."""
        return self.model_dump(exclude={"choices", "title", "section", "notebook"})

    def given(self) -> dict[str, Any]:
        """The settings that are not at their defaults."""
        return self.model_dump(exclude={"choices", "title", "section", "notebook"}, exclude_defaults=True)

    def describe(self) -> str:
        """A line for captions: its settings."""
        return ", ".join(
            f"{key.replace('_', ' ')} {said(value)}"
            for key, value in self.resolved().items()
            if key != "study"
        )

    def modules(self) -> list[str]:
        """The modules that decide its numbers, this study's own among them; what they import is found."""
        return [type(self).__module__]


class Study(AnyStudy):
    """A study that has no trajectory."""

    @abstractmethod
    def table(self) -> "pd.DataFrame":
        """The numbers."""


@dataclass(frozen=True)
class FinishedRun:
    """A run that a study looks at: its name and settings, the folders of its trajectory and data."""

    name: str
    settings: Origin
    trajectory: Path
    data: Path | None


class StudyOfRuns(AnyStudy):
    """A study of an experiment's finished runs: their points, and the data that they were trained on."""

    experiment: Name
    """The experiment whose runs it looks at."""

    def check(self, settings: Origin) -> None:
        """Raise UserError where it cannot look at a run of these settings."""

    @abstractmethod
    def table(self, runs: list[FinishedRun], device: Callable[[], Any]) -> "pd.DataFrame":
        """The numbers; `device` gives the torch device that the user wants. Raises UserError."""


def said(value: Any) -> str:
    """A setting as a caption says it."""
    if isinstance(value, dict):
        return " ".join(map(said, value.values()))
    if isinstance(value, list):
        return ", ".join(map(said, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
