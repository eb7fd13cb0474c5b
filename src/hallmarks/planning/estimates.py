"""What each job of a plan takes in time and leaves on disk, and where the number comes from."""

import functools
from dataclasses import dataclass

from hallmarks.data.prepare import DATA_SETS
from hallmarks.planning import costs
from hallmarks.planning.benchmarks import estimate, read_measured
from hallmarks.planning.jobs import Job
from hallmarks.planning.text import number
from hallmarks.runs.origin import Cost
from hallmarks.workflow.results import Results

SMALL_FILE = 1_000_000  # bytes that a figure, a table or a run's measures take, about


@dataclass(frozen=True)
class Planned:
    """A job, its seconds, and the bytes that it leaves; of training the run's `cost`, whose trajectory these
    are while it is kept. `measured` is of how many finished runs the seconds are, `rates` are what else.
    """

    job: Job
    seconds: float
    bytes: int
    cost: Cost | None = None
    measured: int = 0
    rates: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return f"measured, {number(self.measured, 'runs')}" if self.measured else "stated"

    @property
    def gpu_hours(self) -> float:
        return self.seconds / 3600 * self.job.resources.get("gpu", 0)

    @property
    def core_hours(self) -> float:
        """Of a job that asks for no GPU."""
        return 0.0 if self.job.resources.get("gpu") else self.seconds / 3600 * self.job.threads


class Estimator:
    """Estimates from finished runs among the results; without any like it, from stated rates."""

    def __init__(self, results: Results, gpu_flops: float = costs.GPU_FLOPS):
        self.gpu_flops = gpu_flops
        # Of each variation, for all its seeds.
        self.settings = {variation(run.name): run.settings for run in results.paper.runs.values()}
        self.finished = {rule: read_measured(results.folder, rule) for rule in ("train", "kernel")}
        self.measured = functools.cache(self.estimate)

    def estimate(self, rule: str, of: str) -> tuple[float, int] | None:
        return estimate(self.finished[rule], self.settings[of], rule)

    def __call__(self, job: Job) -> Planned:
        if job.rule not in self.finished:
            seconds, rates = costs.SECONDS.get(job.rule, 10.0), (costs.SECONDS_SOURCE,)
            return Planned(job, seconds, small_bytes(job), rates=rates)
        cost, training = self.settings[variation(job.name)].cost(), job.rule == "train"
        flops = self.gpu_flops if job.resources.get("gpu") else None
        if found := self.measured(job.rule, variation(job.name)):
            (seconds, measured), rates = found, []
        elif training:
            measured, seconds = 0, costs.training_seconds(cost, job.threads, flops)
            rates = costs.training_sources(cost, flops)
        else:
            measured, seconds, rates = 0, costs.kernel_seconds(cost), [costs.KERNEL_SOURCE]
        size = costs.trajectory_bytes(cost) if training else costs.kernel_bytes(cost)
        return Planned(job, seconds, size, cost if training else None, measured, tuple(rates))


def variation(run: str) -> str:
    """`<task>/<variation>` of a run's name."""
    return run.rpartition("/")[0]


def small_bytes(job: Job) -> int:
    """What a job that is neither training nor a kernel leaves on disk."""
    if job.rule == "data":
        return DATA_SETS[job.name].Settings.prepared_bytes()
    return 0 if job.rule == "discard" else SMALL_FILE
