"""Published trajectories: addresses of the hub, what it holds for them, and locks by which it is read again.

Nothing here decides a result of what is ours; `trajectory.checkpoints` imports it where it is needed.
"""
