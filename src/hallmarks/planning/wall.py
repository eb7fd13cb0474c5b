"""How long a plan takes from its first job to its last, and which runs need more than one job."""

import heapq
import math
from collections import defaultdict

from hallmarks.machine import cores
from hallmarks.planning.jobs import Job
from hallmarks.planning.profile import Profile
from hallmarks.planning.text import duration

WARNED = 300  # seconds before its limit, a run is told to save


def runs_at_once(training: list[Job], profile: Profile, gpus: int) -> int:
    """A cluster's GPUs; on this machine, as many as its cores are enough for."""
    if profile.slurm:
        return gpus
    asked = profile.keys.get("cores", 1)
    available = cores() if asked == "all" else int(asked)
    return max(1, available // max((job.threads for job in training), default=1))


def wall_seconds(todo: list[Job], workers: int, cluster: bool) -> float:
    """From the first job to the last, waits in the queue left out.

    On a cluster what needs no GPU runs beside the training, but for one job a rule before or after it all.
    """
    if not cluster:
        return makespan([job.seconds for job in todo], workers)
    by_rule: dict[str, list[float]] = defaultdict(list)
    for job in todo:
        by_rule[job.rule].append(job.seconds)
    training = makespan(by_rule.pop("train", [0.0]), workers)
    return training + sum(max(seconds) for seconds in by_rule.values())


def makespan(seconds: list[float], workers: int) -> float:
    """When the last ends, the longest jobs started first."""
    busy = [0.0] * workers
    for each in sorted(seconds, reverse=True):
        heapq.heapreplace(busy, busy[0] + each)
    return max(busy)


def attempts_of(job: Job) -> int:
    """How many jobs a run takes, each as long as its time limit."""
    return math.ceil(job.seconds / max(60 * job.resources.get("runtime", math.inf) - WARNED, 60))


def runs_over_limit(training: list[Job]) -> list[Job]:
    """The run of each task that takes most attempts, where that is more than one."""
    worst = {job.task: job for job in sorted(training, key=attempts_of)}
    return [job for job in worst.values() if attempts_of(job) > 1]


def attempts_said(job: Job, allowed: int) -> str:
    limit, attempts = duration(60 * job.resources["runtime"]), f"{attempts_of(job)} of {allowed} attempts"
    return f"{job.task}: {duration(job.seconds)} in jobs of at most {limit}, {attempts}"
