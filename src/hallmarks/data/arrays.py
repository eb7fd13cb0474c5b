"""A whole small data set in memory, as its source gives it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Arrays:
    """Images uint8 N×C×H×W and labels int64 of both splits; `origin` says where they came from."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: list[str]
    origin: str

    @property
    def files(self) -> dict[str, np.ndarray]:
        """The arrays by the names of their files."""
        return {
            "train-images.npy": self.train_images,
            "train-labels.npy": self.train_labels,
            "test-images.npy": self.test_images,
            "test-labels.npy": self.test_labels,
        }
