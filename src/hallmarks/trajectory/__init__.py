"""Trajectories: points on disk, ours and other people's, written, found, and read once in order."""
