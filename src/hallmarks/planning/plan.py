"""A plan as a whole: time from its first job to its last, attempts of its runs, and disk."""

import heapq
from pathlib import Path

from hallmarks.machine import cores
from hallmarks.planning.estimates import Estimator
from hallmarks.planning.jobs import Job, plan_jobs
from hallmarks.planning.profile import Profile
from hallmarks.planning.text import duration


class Plan:
    """Jobs with their estimates, and what they add up to, with `gpus` GPUs at once on a cluster.

    Of the largest runs, `workers` side by side, `unfinished` are the bytes of their trajectories, and
    `in_progress` those of their states as well.
    """

    def __init__(self, jobs: list[Job], profile: Profile, gpus: int):
        self.jobs, self.profile = jobs, profile
        self.todo = [job for job in jobs if job.reason]
        self.training = [job for job in self.todo if job.rule == "train"]
        self.workers = gpus
        if not profile.slurm:
            asked, wide = profile.keys.get("cores", 1), max((job.threads for job in self.training), default=1)
            self.workers = max(1, (cores() if asked == "all" else int(asked)) // wide)
        largest = sorted(self.training, key=lambda job: (job.states, job.bytes))[-self.workers :]
        self.unfinished = sum(job.bytes for job in largest)
        self.in_progress = self.unfinished + sum(job.states for job in largest)
        self.keep = profile.paper.config.keep_trajectories

    @property
    def seconds(self) -> float:
        """From the first job to the last, waits in the queue left out.

        On a cluster what needs no GPU runs beside the training, but for a job of each rule before or after.
        """
        if not self.profile.slurm:
            return makespan([job.seconds for job in self.todo], self.workers)
        beside = [job for job in self.todo if job.rule != "train"]
        longest = {job.rule: job.seconds for job in sorted(beside, key=lambda job: job.seconds)}
        return makespan([job.seconds for job in self.training], self.workers) + sum(longest.values())

    @property
    def limits(self) -> dict[str, bool]:
        """The run of each task that takes most attempts, if several; whether the profile allows so many."""
        said, allowed = {}, 1 + int(self.profile.keys.get("retries", 0))
        worst = {job.task: job for job in sorted(self.training, key=lambda job: job.attempts)}
        for task, job in worst.items():
            if job.attempts > 1:
                limit = duration(60 * job.resources["runtime"])
                line = f"{task}: {duration(job.seconds)} in jobs of at most {limit}"
                said[f"{line}, {job.attempts} of {allowed} attempts"] = job.attempts <= allowed
        return said

    def peak(self, keep: bool) -> int:
        """Bytes while the largest runs are under way, with trajectories kept or not."""
        # A rename across file systems is a copy: both lie there for a moment.
        config = self.profile.paper.config
        copied = file_system(config.results) != file_system(config.scratch)
        return left(self.jobs, keep) + self.in_progress + self.unfinished * (copied - keep)

    @property
    def to_come(self) -> int:
        """Of the bytes at peak, those that are not there yet."""
        return self.peak(self.keep) - left([job for job in self.jobs if not job.reason], self.keep)


def make_plan(profile: Profile, targets: list[str], gpus: int, gpu_flops: float | None = None) -> Plan:
    """What Snakemake would run for the targets, and its cost. Raises UserError."""
    estimated = Estimator(profile.results, gpu_flops)
    return Plan([estimated(job) for job in plan_jobs(profile, targets)], profile, gpus)


def left(jobs: list[Job], keep: bool) -> int:
    """Bytes that these leave, with trajectories kept, or removed once their kernel exists."""
    return sum(job.bytes for job in jobs if keep or job.rule != "train")


def makespan(seconds: list[float], workers: int) -> float:
    """When the last ends, the longest jobs started first."""
    busy = [0.0] * workers
    for each in sorted(seconds, reverse=True):
        heapq.heapreplace(busy, busy[0] + each)
    return max(busy)


def file_system(folder: str) -> int:
    """The number of the one on which a folder lies, or will be made."""
    path = Path(folder).absolute()
    return next(path for path in (path, *path.parents) if path.exists()).stat().st_dev
