"""Training: a run's settings → its trajectory and log, resumable at any moment."""
