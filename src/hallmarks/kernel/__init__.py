"""Trajectory → kernel: the Gram matrices of its increments, one a parameter tensor."""
