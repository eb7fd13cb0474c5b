"""scikit-learn's digits: 1797 images of 8×8, for tests of the whole workflow."""

from pathlib import Path

import numpy as np

from hallmarks.data.arrays import Arrays
from hallmarks.errors import UserError

TRAINING_IMAGES = 1437


def read(source: Path | None) -> Arrays:
    """Grey values 0…16 scaled to 0…255; a fixed permutation, of which the first 1437 are for training."""
    from sklearn import datasets

    if source is not None:
        raise UserError(f"{source}: digits come with scikit-learn; give no folder for them")
    digits = datasets.load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = digits.target.astype(np.int64)
    # RandomState's stream is frozen, so that every version of numpy makes the same split.
    order = np.random.RandomState(0).permutation(len(labels))
    train, test = order[:TRAINING_IMAGES], order[TRAINING_IMAGES:]
    classes = [str(name) for name in digits.target_names]
    return Arrays(images[train], labels[train], images[test], labels[test], classes, "scikit-learn")
