"""Points of a trajectory from one's own training: PyTorch, `transformers`, Lightning; a file each."""
