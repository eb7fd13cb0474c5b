"""Other people's checkpoints: which files are points, in which order, and which tensors are the model.

Nothing here decides a result of the workflow's own; `trajectory.checkpoints` imports it where it is needed.
"""
