"""How often Snakemake looks which jobs are ready."""

from snakemake.workflow import Workflow


def look_when_a_job_ends(workflow: Workflow) -> None:
    """Have a workflow that starts look for ready jobs when one has ended, and not in between as well.

    Where jobs are limited to so many a timespan, Snakemake looks once more after each timespan, for every job
    that has ended so far: after hundreds it does nothing else, and takes a core from those that compute. A
    limit of more than run at once is none; another stays.
    """
    scheduler, settings = workflow.scheduler, workflow.resource_settings
    limit = scheduler.job_rate_limiter
    if limit is not None and limit.max_jobs >= (settings.nodes or settings.cores):
        scheduler.job_rate_limiter = None
