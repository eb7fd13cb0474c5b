"""How long a plan takes from its first job to its last, and which runs need more than one job."""

import heapq
import math
from collections import defaultdict
from dataclasses import dataclass

from hallmarks.machine import cores
from hallmarks.planning.estimates import Planned
from hallmarks.planning.profile import Profile
from hallmarks.planning.text import duration

WARNED = 300  # seconds before its limit, a run is told to save


def runs_at_once(training: list[Planned], profile: Profile, gpus: int) -> int:
    """A cluster's GPUs; on this machine, as many as its cores are enough for."""
    if profile.slurm:
        return gpus
    asked = profile.keys.get("cores", 1)
    available = cores() if asked == "all" else int(asked)
    return max(1, available // max((each.job.threads for each in training), default=1))


def wall_seconds(todo: list[Planned], workers: int, cluster: bool) -> float:
    """From the first job to the last, waits in the queue left out.

    On a cluster what needs no GPU runs beside the training, but for one job a rule before or after it all.
    """
    if not cluster:
        return makespan([each.seconds for each in todo], workers)
    by_rule: dict[str, list[float]] = defaultdict(list)
    for each in todo:
        by_rule[each.job.rule].append(each.seconds)
    training = makespan(by_rule.pop("train", [0.0]), workers)
    return training + sum(max(seconds) for seconds in by_rule.values())


def makespan(seconds: list[float], workers: int) -> float:
    """When the last ends, the longest jobs started first."""
    busy = [0.0] * workers
    for each in sorted(seconds, reverse=True):
        heapq.heapreplace(busy, busy[0] + each)
    return max(busy)


@dataclass(frozen=True)
class Limit:
    """A task whose longest run takes `seconds`, and so some attempts of at most `limit` seconds each."""

    task: str
    seconds: float
    limit: float

    @property
    def attempts(self) -> int:
        return math.ceil(self.seconds / max(self.limit - WARNED, 60))

    def said(self, allowed: int) -> str:
        attempts = f"{self.attempts} of {allowed} attempts"
        return f"{self.task}: {duration(self.seconds)} in jobs of at most {duration(self.limit)}, {attempts}"


def time_limits(training: list[Planned]) -> list[Limit]:
    """The tasks whose longest run does not fit into its time limit."""
    found: dict[str, Limit] = {}
    for each in training:
        limit = Limit(each.job.task, each.seconds, 60.0 * each.job.resources.get("runtime", math.inf))
        if limit.attempts > 1:
            found[limit.task] = max(limit, found.get(limit.task, limit), key=lambda found: found.attempts)
    return list(found.values())
