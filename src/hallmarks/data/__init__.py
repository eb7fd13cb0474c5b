"""Data sets: where they come from, their digests and split, and the batches that training takes."""
