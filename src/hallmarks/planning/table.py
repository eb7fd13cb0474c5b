"""The plan as a table by rule and task, with its totals."""

import heapq
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from hallmarks.machine import cores
from hallmarks.planning import costs
from hallmarks.planning.estimates import Estimate, Estimator
from hallmarks.planning.jobs import Job
from hallmarks.planning.profile import Profile
from hallmarks.planning.text import aligned, duration, size

ORDER = ["data", "train", "kernel", "discard", "measure", "figure", "claims"]


@dataclass(frozen=True)
class Row:
    """The jobs of one rule and task."""

    rule: str
    task: str
    jobs: int
    done: int
    gpu_hours: float
    core_hours: float
    longest: float  # seconds of the longest job still to run
    bytes: int
    source: str
    why: str


@dataclass(frozen=True)
class Plan:
    """The rows, and what they add up to: seconds of wall time at so many workers, bytes at peak and at rest.

    `to_come` are the bytes at peak that are not there yet, `in_progress` those of `workers` runs in progress,
    `otherwise` the bytes at peak and at rest with the other choice of `keep_trajectories`.
    """

    rows: list[Row]
    workers: int
    seconds: float
    peak: int
    rest: int
    to_come: int
    in_progress: int
    otherwise: tuple[int, int]
    attempts: dict[str, tuple[float, float, int]]  # by task: seconds, limit in seconds, attempts
    gpu_source: str


def make_plan(jobs: list[Job], estimator: Estimator, profile: Profile, gpus: int) -> Plan:
    """The plan of these jobs, with `gpus` GPUs at once where the profile is a cluster's."""
    estimates = [(job, estimator(job)) for job in jobs]
    todo = [(job, estimate) for job, estimate in estimates if job.reason]
    grouped = defaultdict(list)
    for job, estimate in estimates:
        grouped[job.rule, task_of(job)].append((job, estimate))
    order = sorted(grouped, key=lambda key: (ORDER.index(key[0]) if key[0] in ORDER else len(ORDER), key))
    training = [(job, estimate) for job, estimate in todo if job.rule == "train"]
    asked = profile.keys.get("cores", 1)
    available = cores() if asked == "all" else int(asked)
    side_by_side = max(1, available // max((job.threads for job, _ in training), default=1))
    workers = gpus if profile.slurm else side_by_side
    sizes = [
        (cost.state_bytes, cost.trajectory_bytes) for cost in (estimator.cost(job) for job, _ in training)
    ]
    states, unfinished = map(sum, zip((0, 0), *sorted(sizes, reverse=True)[:workers], strict=True))
    # A rename across file systems is a copy: both lie there for a moment.
    across = file_system(profile.config.results) != file_system(profile.config.scratch)
    passing = states + (unfinished if across else 0)
    others = sum(estimate.bytes for job, estimate in estimates if job.rule != "train")
    trajectories = sum(estimator.cost(job).trajectory_bytes for job, _ in estimates if job.rule == "train")
    # Bytes at peak and at rest, by whether trajectories are kept.
    disk = {
        True: (others + trajectories + passing, others + trajectories),
        False: (others + unfinished + passing, others),
    }
    peak, rest = disk[estimator.keep]
    return Plan(
        rows=[row(*key, grouped[key]) for key in order],
        workers=workers,
        seconds=wall_seconds(todo, workers, profile.slurm),
        peak=peak,
        rest=rest,
        to_come=peak - sum(estimate.bytes for job, estimate in estimates if not job.reason),
        in_progress=states + unfinished,
        otherwise=disk[not estimator.keep],
        attempts=attempts_of(training),
        gpu_source=estimator.gpu_source,
    )


def task_of(job: Job) -> str:
    """The task that a job belongs to, or its data set."""
    return job.run.split("/")[0] if job.run else job.wildcards.get("dataset", "")


def row(rule: str, task: str, members: list[tuple[Job, Estimate]]) -> Row:
    todo = [(job, estimate) for job, estimate in members if job.reason]
    hours = [(job, estimate.seconds / 3600) for job, estimate in todo]
    reasons = Counter(job.reason for job, _ in todo).most_common()
    return Row(
        rule,
        task,
        jobs=len(members),
        done=len(members) - len(todo),
        gpu_hours=sum(spent * job.resources.get("gpu", 0) for job, spent in hours),
        core_hours=sum(spent * job.threads for job, spent in hours if not job.resources.get("gpu")),
        longest=max((estimate.seconds for _, estimate in todo), default=0.0),
        bytes=sum(estimate.bytes for _, estimate in members),
        source=", ".join(sorted({estimate.source for _, estimate in todo})),
        why="; ".join(f"{count} {reason}" if len(reasons) > 1 else reason for reason, count in reasons),
    )


def makespan(seconds: list[float], workers: int) -> float:
    """When the last ends, the longest jobs started first."""
    busy = [0.0] * workers
    for each in sorted(seconds, reverse=True):
        heapq.heapreplace(busy, busy[0] + each)
    return max(busy)


def wall_seconds(todo: list[tuple[Job, Estimate]], workers: int, cluster: bool) -> float:
    """From the first job to the last, waits in the queue left out.

    On a cluster what needs no GPU runs beside the training, but for one job a rule before or after it all.
    """
    if not cluster:
        return makespan([estimate.seconds for _, estimate in todo], workers)
    by_rule: dict[str, list[float]] = defaultdict(list)
    for job, estimate in todo:
        by_rule[job.rule].append(estimate.seconds)
    training = makespan(by_rule.pop("train", [0.0]), workers)
    return training + sum(max(seconds) for seconds in by_rule.values())


def attempts_of(training: list[tuple[Job, Estimate]]) -> dict[str, tuple[float, float, int]]:
    """The tasks whose longest run does not fit into its time limit: seconds, limit, attempts."""
    longest: dict[str, tuple[float, float, int]] = {}
    for job, estimate in training:
        limit = 60.0 * job.resources.get("runtime", math.inf)
        # A run is warned five minutes before its limit, and saves.
        attempts = math.ceil(estimate.seconds / max(limit - 300, 60))
        if attempts > longest.get(task_of(job), (0, 0, 1))[2]:
            longest[task_of(job)] = (estimate.seconds, limit, attempts)
    return longest


def file_system(folder: str) -> int:
    """The number of the one on which a folder lies, or will be made."""
    path = Path(folder).absolute()
    return next(path for path in (path, *path.parents) if path.exists()).stat().st_dev


def hours(value: float) -> str:
    """Two digits, nothing for none."""
    return "" if value == 0 else f"{value:.1f}" if value >= 0.1 else f"{value:.2g}"


def render(plan: Plan, profile: Profile) -> str:
    """The plan as text."""
    heads = "rule", "task", "jobs", "done", "GPU h", "core h", "longest", "disk", "estimate", "why they run"
    lines = [
        (
            row.rule,
            row.task,
            str(row.jobs),
            str(row.done),
            hours(row.gpu_hours),
            hours(row.core_hours),
            duration(row.longest) if row.longest else "",
            size(row.bytes),
            row.source,
            row.why,
        )
        for row in plan.rows
    ]
    jobs, done, gpu, core = (
        sum(getattr(row, name) for row in plan.rows) for name in ("jobs", "done", "gpu_hours", "core_hours")
    )
    lines.append(("all", "", str(jobs), str(done), hours(gpu), hours(core), "", size(plan.rest), "", ""))
    table = aligned(heads, lines, range(2, 8))
    return "\n".join([table, "", *totals(plan, profile), "", *sources(plan, profile)])


def totals(plan: Plan, profile: Profile) -> list[str]:
    """Wall time, disk, and the runs that need more than one attempt."""
    at = f"{plan.workers} GPU{'s' if plan.workers > 1 else ''}" if profile.slurm else "this machine"
    beside = f", {plan.workers} runs side by side" if not profile.slurm and plan.workers > 1 else ""
    lines = [
        f"Wall time on {at}{beside}: {duration(plan.seconds)}, waits in a queue left out.",
        disk(plan, profile.config.keep_trajectories),
    ]
    allowed = profile.attempts
    for task, (seconds, limit, attempts) in plan.attempts.items():
        enough = "" if attempts <= allowed else f"; the profile allows {allowed}: raise runtime or retries"
        lines.append(
            f"{task}: {duration(seconds)} in jobs of at most {duration(limit)}, {attempts} attempts{enough}."
        )
    return lines


def disk(plan: Plan, keep: bool) -> str:
    """Bytes at peak and at rest, and what removing trajectories saves or would save."""
    peak, rest = plan.otherwise
    if keep:
        other = f"with keep_trajectories: false, {size(rest)} and {size(peak)}, which saves"
    else:
        other = "each trajectory is removed once its kernel exists, which saves"
    return (
        f"Disk: {size(plan.rest)} at rest, {size(plan.peak)} at peak; {other} {size(abs(plan.rest - rest))} "
        f"at rest, {size(abs(plan.peak - peak))} at peak."
    )


def sources(plan: Plan, profile: Profile) -> list[str]:
    """Where the stated costs come from, those that were used."""
    stated = {row.rule for row in plan.rows if "stated" in row.source}
    used = [costs.SECONDS_SOURCE] if stated - {"train", "kernel"} else []
    if "kernel" in stated:
        used.insert(0, costs.KERNEL_SOURCE)
    if "train" in stated:
        gpu = any(row.rule == "train" and row.gpu_hours for row in plan.rows)
        used = [*([plan.gpu_source, costs.STEP_SOURCE] if gpu else [costs.CORE_SOURCE]), *used]
        tasks = (profile.config.tasks[row.task] for row in plan.rows if row.rule == "train")
        if any(task.data.name == "imagenet" for task in tasks):
            used.insert(1, costs.DECODE_SOURCE)
    lines = ["Measured: benchmark files and logs of finished runs of the same network and data."]
    return lines + [f"Stated: {source}." for source in used]
