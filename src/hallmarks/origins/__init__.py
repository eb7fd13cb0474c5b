"""Origins of runs, a file each: where a trajectory comes from, and all that the workflow asks of it."""
