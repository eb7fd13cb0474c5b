"""What each job of a plan takes in time and leaves on disk, and where the number comes from."""

from dataclasses import dataclass
from pathlib import Path

from hallmarks.config.types import Config
from hallmarks.planning import benchmarks, costs
from hallmarks.planning.costs import Cost
from hallmarks.planning.jobs import Job
from hallmarks.runs.expand import SIDE, TEST_IMAGES, TRAINING_IMAGES, expand

SMALL_FILE = 1_000_000  # bytes that a figure, a table or a run's measures take, about


@dataclass(frozen=True)
class Estimate:
    """Seconds of one job, bytes that it leaves, and the source: `measured, 3 runs` or `stated`."""

    seconds: float
    bytes: int
    source: str


class Estimator:
    """Estimates from finished runs in the configuration's results; without any like it, from stated costs."""

    def __init__(self, config: Config, gpu_flops: float = costs.GPU_FLOPS):
        self.runs, self.gpu_flops, self.keep = expand(config), gpu_flops, config.keep_trajectories
        self.finished = {rule: benchmarks.read(Path(config.results), rule) for rule in ("train", "kernel")}

    @property
    def gpu_source(self) -> str:
        """Where the speed of a GPU comes from."""
        given = f"{self.gpu_flops / 1e12:g} TFLOP/s on a GPU, as given"
        return costs.GPU_SOURCE if self.gpu_flops == costs.GPU_FLOPS else given

    def cost(self, job: Job) -> Cost:
        return Cost(self.runs[job.run].settings)

    def __call__(self, job: Job) -> Estimate:
        source = "stated"
        if job.rule not in self.finished:
            seconds = costs.SECONDS.get(job.rule, 10.0)
        elif measured := benchmarks.estimate(self.finished[job.rule], self.cost(job).task, job.rule):
            seconds, runs = measured
            source = f"measured, {runs} run{'s' if runs > 1 else ''}"
        elif job.rule == "kernel":
            seconds = self.cost(job).kernel_seconds
        else:
            flops = self.gpu_flops if job.resources.get("gpu") else None
            seconds = self.cost(job).training_seconds(job.threads, flops)
        return Estimate(seconds, self.bytes(job), source)

    def bytes(self, job: Job) -> int:
        """What the job leaves on disk at rest."""
        if job.rule == "train":
            return self.cost(job).trajectory_bytes if self.keep else 0
        if job.rule == "kernel":
            return self.cost(job).kernel_bytes
        if job.rule == "data":
            name = job.wildcards["dataset"]
            images = TRAINING_IMAGES[name] + TEST_IMAGES[name]
            # Of image files, a list.
            return images * (50 if name == "imagenet" else costs.CHANNELS[name] * SIDE[name] ** 2)
        return 0 if job.rule == "discard" else SMALL_FILE
