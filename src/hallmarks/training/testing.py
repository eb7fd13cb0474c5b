"""How a model of texts does on the test set: its loss counts, and not which tokens are right alone."""

import torch

from hallmarks.training.loop import Training


@torch.inference_mode()
def test_text(training: Training) -> tuple[float, float]:
    """The fraction of the test tokens that is right, and the mean loss."""
    training.model.eval()
    measured = [training.objective(training.forward(x), y) for x, y in training.batches.test()]
    counted = sum(count for _, count, _ in measured)
    right = sum(int(correct) for _, _, correct in measured)
    return right / counted, sum(float(loss) * count for loss, count, _ in measured) / counted
