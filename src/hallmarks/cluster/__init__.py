"""All that the house asks of SLURM: the one room that calls squeue, sacct, sinfo and sacctmgr."""
