"""Objectives, a file each: what is minimised, and what is counted as right, of one batch."""
