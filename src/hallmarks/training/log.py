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
BITS = ["bits_per_byte", "test_bits_per_byte"]  # of texts, beside the accuracies


class Log:
    """Finished lines, and the sums of the epoch in progress; these stay on the device until asked for.

    Of a text, whose loss is in nats a token, `bytes_per_token` gives it in bits a byte besides.
    """

    def __init__(self, bytes_per_token: float | None = None):
        self.bytes_per_token = bytes_per_token
        self.columns = COLUMNS if bytes_per_token is None else [*COLUMNS[:5], *BITS, *COLUMNS[5:]]
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
        self,
        epoch: float,
        step: int,
        test_accuracy: float,
        learning_rate: float,
        test_loss: float = math.nan,
    ) -> dict[str, float]:
        """Close the line of the epoch in progress; accuracies are fractions, seconds those of training."""
        loss = float(self.loss) / self.counted
        values = [
            epoch,
            step,
            loss,
            int(self.correct) / self.counted,
            test_accuracy,
            *self.bits(loss, test_loss),
            learning_rate,
            self.timed / self.seconds,
            self.seconds,
        ]
        self.rows.append(dict(zip(self.columns, values, strict=True)))
        self._begin()
        return self.rows[-1]

    def evaluated(self, epoch: float, step: int, test_accuracy: float, test_loss: float = math.nan) -> None:
        """The only line of a run without updates."""
        known = {"epoch": epoch, "step": step, "test_accuracy": test_accuracy, "seconds": 0.0}
        known |= dict(zip(BITS, self.bits(math.nan, test_loss), strict=False))
        self.rows = [{column: known.get(column, math.nan) for column in self.columns}]

    def bits(self, *losses: float) -> list[float]:
        """Losses in bits a byte; none where it is not known how long a token is."""
        if self.bytes_per_token is None:
            return []
        return [loss / math.log(2) / self.bytes_per_token for loss in losses]

    def state_dict(self) -> dict:
        """What resuming needs."""
        sums = {"loss": float(self.loss), "correct": int(self.correct), "counted": self.counted}
        return {"rows": self.rows, "timed": self.timed, "seconds": self.seconds, **sums}

    def load_state_dict(self, state: dict) -> None:
        self._begin()
        self.rows, self.counted = state["rows"], state["counted"]
        self.loss, self.correct = state["loss"], state["correct"]
        # A state of before these were kept: its epoch is timed from there on.
        self.timed, self.seconds = state.get("timed", 0), state.get("seconds", 0.0)

    def write(self, path: Path) -> None:
        """The finished lines as CSV, atomically."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write(path, text.getvalue().encode())
