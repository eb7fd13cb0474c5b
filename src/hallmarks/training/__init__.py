"""Training: a run's settings → its trajectory and log, resumable at any moment."""

from hallmarks.training.trainer import Diverged, Interrupted, Trainer

__all__ = ["Diverged", "Interrupted", "Trainer"]
