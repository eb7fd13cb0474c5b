"""Cross-entropy of one class an input; right is the class with the highest score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hallmarks.config.strict import Strict

if TYPE_CHECKING:
    from torch import Tensor


class Settings(Strict):
    """Cross-entropy of one class an input, the mean over a batch."""

    name: Literal["classification"] = "classification"

    def __call__(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, int, Tensor]:
        """Of scores [N, classes] and targets [N]: the mean loss, the count N, and how many are right."""
        from torch.nn import functional as F

        loss = F.cross_entropy(scores, targets)
        return loss, len(targets), (scores.argmax(1) == targets).sum()
