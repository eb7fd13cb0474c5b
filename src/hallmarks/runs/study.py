"""What the workflow asks of a study, a result that has no trajectory."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from hallmarks.config.strict import Choices, Strict

if TYPE_CHECKING:
    import pandas as pd


class Study(Strict):
    """A study of the configuration: everything that decides its table."""

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

    def modules(self) -> list[str]:
        """The modules that decide its numbers, this study's own among them; what they import is found."""
        return [type(self).__module__]

    @abstractmethod
    def table(self) -> "pd.DataFrame":
        """The numbers."""
