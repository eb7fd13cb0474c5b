"""What a data set's source gives: contents by the names of the files that a prepared folder will hold."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Contents:
    """Arrays, written as .npy, or lists, as .json; where they came from; the classes' names."""

    files: dict[str, np.ndarray | list]
    origin: str
    classes: list[str]


def image_arrays(
    train_images: np.ndarray,
    train_labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
    classes: list[str],
    origin: str,
) -> Contents:
    """A small data set of images uint8 N×C×H×W and labels int64."""
    files = {
        "train-images.npy": train_images,
        "train-labels.npy": train_labels,
        "test-images.npy": test_images,
        "test-labels.npy": test_labels,
    }
    return Contents(files, origin, classes)
