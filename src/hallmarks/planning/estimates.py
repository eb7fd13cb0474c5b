"""What each job of a plan takes in time and leaves on disk, and where the number comes from."""

import functools
from dataclasses import replace

from hallmarks.data.prepare import DATA_SETS
from hallmarks.planning import costs
from hallmarks.planning.benchmarks import estimate, read_measured, work_of
from hallmarks.planning.jobs import Job
from hallmarks.workflow.results import Results

SMALL_FILE = 1_000_000  # bytes that a figure, a table or a run's measures take, about


class Estimator:
    """Estimates from finished runs among the results; without any like it, from stated rates."""

    def __init__(self, results: Results, gpu_flops: float = costs.GPU_FLOPS):
        self.gpu_flops = gpu_flops
        # Of each variation, for all its seeds.
        self.settings = {variation(run.name): run.settings for run in results.paper.runs.values()}
        self.finished = {rule: read_measured(results.folder, rule) for rule in ("train", "kernel")}
        self.measured = functools.cache(self.measure)

    def measure(self, rule: str, of: str) -> tuple[float, int] | None:
        return estimate(self.finished[rule], work_of(self.settings[of], rule))

    def __call__(self, job: Job) -> Job:
        """The job with its estimates."""
        if job.rule == "data":
            size = DATA_SETS[job.name].Settings.prepared_bytes()
        else:
            size = 0 if job.rule == "discard" else SMALL_FILE
        if job.rule not in self.finished:
            seconds = costs.SECONDS.get(job.rule, 10.0)
            return replace(job, seconds=seconds, bytes=size, rates=(costs.SECONDS_SOURCE,))
        cost = self.settings[variation(job.name)].cost()
        if job.rule == "train":
            flops = self.gpu_flops if job.resources.get("gpu") else None
            seconds, rates = costs.training_seconds(cost, job.threads, flops)
            job = replace(job, bytes=costs.trajectory_bytes(cost), cost=cost)
        else:
            seconds, rates = costs.kernel_seconds(cost), (costs.KERNEL_SOURCE,)
            job = replace(job, bytes=costs.kernel_bytes(cost))
        if found := self.measured(job.rule, variation(job.name)):
            return replace(job, seconds=found[0], measured=found[1])
        return replace(job, seconds=seconds, rates=rates)


def variation(run: str) -> str:
    """`<task>/<variation>` of a run's name."""
    return run.rpartition("/")[0]
