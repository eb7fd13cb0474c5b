"""Cross-entropy of the next token, at every position; right is the one with the highest score."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from hallmarks.config.strict import Strict

if TYPE_CHECKING:
    from torch import Tensor


class Settings(Strict):
    """Cross-entropy of the next token, the mean over all positions of a batch."""

    inputs: ClassVar[str] = "tokens"
    name: Literal["language-modelling"] = "language-modelling"

    def __call__(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, int, Tensor]:
        """Of scores [N, L, V] and targets [N, L]: the mean loss, the count N·L, and how many are right."""
        from torch.nn import functional as F

        loss = F.cross_entropy(scores.flatten(0, 1), targets.flatten())
        return loss, targets.numel(), (scores.argmax(-1) == targets).sum()
