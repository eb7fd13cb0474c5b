"""Trajectory → kernel: the Gram matrices from which all measures follow."""

from hallmarks.kernel.file import follow, write_kernel
from hallmarks.kernel.gram import increments_gram, segment_size
from hallmarks.kernel.groups import groups

__all__ = ["follow", "groups", "increments_gram", "segment_size", "write_kernel"]
