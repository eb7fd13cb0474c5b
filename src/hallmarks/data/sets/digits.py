"""scikit-learn's digits: 1797 images of 8×8, for tests of the whole workflow."""

from pathlib import Path
from typing import Literal

import numpy as np

from hallmarks.data.contents import Contents, image_arrays
from hallmarks.data.images import ImageFacts, Images
from hallmarks.errors import UserError


class Settings(Images):
    """The data set, and what makes it smaller for small runs."""

    facts = ImageFacts(train=1437, test=360, channels=1, side=8, classes=10)
    name: Literal["digits"] = "digits"


def read(source: Path | None) -> Contents:
    """Grey values 0…16 scaled to 0…255; a fixed permutation, of which the first 1437 are for training."""
    from sklearn import datasets

    if source is not None:
        raise UserError(f"{source}: digits come with scikit-learn; give no folder for them")
    digits = datasets.load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = digits.target.astype(np.int64)
    # RandomState's stream is frozen, so that every version of numpy makes the same split.
    order = np.random.RandomState(0).permutation(len(labels))
    train, test = order[: Settings.facts.train], order[Settings.facts.train :]
    classes = [str(name) for name in digits.target_names]
    return image_arrays(images[train], labels[train], images[test], labels[test], classes, "scikit-learn")
