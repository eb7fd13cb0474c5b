"""The log of a run: one line an epoch, `log.csv`, whole at every moment, so that it can be followed."""

import csv
import io
import math
from pathlib import Path

import torch
from torch import Tensor

from hallmarks.files import write

COLUMNS = [
    "epoch",
    "step",
    "loss",
    "train_accuracy",
    "test_accuracy",
    "learning_rate",
    "images_per_second",  # examples, whatever they are: the name is a contract with who reads logs
    "seconds",
]


class Log:
    """Finished lines, and the sums of the epoch in progress; these stay on the device until asked for."""

    def __init__(self):
        self.rows: list[dict[str, float]] = []
        self._begin()

    def _begin(self) -> None:
        self.loss: Tensor | float = 0.0
        self.correct: Tensor | int = 0
        self.counted = self.timed = 0
        self.seconds = 0.0
        self.unchecked: list[Tensor] = []

    def record(self, loss: Tensor, correct: Tensor, count: int, examples: int) -> None:
        """One step: its mean loss, and how many of those that it counts were right."""
        self.unchecked.append(loss)
        self.loss = self.loss + loss.double() * count
        self.correct = self.correct + correct
        self.counted += count
        self.timed += examples

    def first_not_finite(self) -> int | None:
        """How many losses ago, of those since the last call, the first was not finite (the latest: 1)."""
        losses = torch.stack(self.unchecked).tolist() if self.unchecked else []
        self.unchecked = []
        return next((len(losses) - i for i, loss in enumerate(losses) if not math.isfinite(loss)), None)

    def end_epoch(
        self, epoch: float, step: int, test_accuracy: float, learning_rate: float
    ) -> dict[str, float]:
        """Close the line of the epoch in progress; accuracies are fractions, seconds those of training."""
        values = [
            epoch,
            step,
            float(self.loss) / self.counted,
            int(self.correct) / self.counted,
            test_accuracy,
            learning_rate,
            self.timed / self.seconds,
            self.seconds,
        ]
        self.rows.append(dict(zip(COLUMNS, values, strict=True)))
        self._begin()
        return self.rows[-1]

    def state_dict(self) -> dict:
        """What resuming needs; a resumed epoch is timed from there on."""
        sums = {"loss": float(self.loss), "correct": int(self.correct), "counted": self.counted}
        return {"rows": self.rows, **sums}

    def load_state_dict(self, state: dict) -> None:
        self._begin()
        self.rows, self.counted = state["rows"], state["counted"]
        self.loss, self.correct = state["loss"], state["correct"]

    def write(self, path: Path) -> None:
        """The finished lines as CSV, atomically."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write(path, text.getvalue().encode())
