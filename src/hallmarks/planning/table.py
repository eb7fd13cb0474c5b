"""The plan as a table by rule and task, with its totals."""

from collections import Counter
from itertools import groupby

from hallmarks.planning.changes import changes_said
from hallmarks.planning.costs import GPU_FLOPS
from hallmarks.planning.disk import disk_of
from hallmarks.planning.estimates import Estimator
from hallmarks.planning.jobs import Job, plan_jobs
from hallmarks.planning.profile import Profile
from hallmarks.planning.text import aligned, duration, hours, number, size
from hallmarks.planning.wall import attempts_of, attempts_said, runs_at_once, runs_over_limit, wall_seconds

ORDER = ["data", "train", "kernel", "discard", "measure", "study", "figure", "table"]
HEADS = "rule", "task", "jobs", "done", "GPU h", "core h", "longest", "disk", "estimate", "why they run"


class Plan:
    """Jobs with their estimates, and what they add up to, with `gpus` GPUs at once on a cluster."""

    def __init__(self, jobs: list[Job], profile: Profile, gpus: int):
        self.jobs, self.profile = jobs, profile
        todo = [job for job in jobs if job.reason]
        training = [job for job in todo if job.rule == "train"]
        self.workers = runs_at_once(training, profile, gpus)
        self.seconds = wall_seconds(todo, self.workers, profile.slurm)
        self.over_limit = runs_over_limit(training)
        config = profile.paper.config
        self.keep = config.keep_trajectories
        # With the other choice too.
        self.disk, self.other_disk = (
            disk_of(jobs, config, self.workers, keep) for keep in (self.keep, not self.keep)
        )

    def cells(self, rule: str, task: str, jobs: list[Job]) -> tuple[str, ...]:
        """A row of the table: hours and reasons are of those jobs that are still to run."""
        todo = [job for job in jobs if job.reason]
        reasons = Counter(job.reason for job in todo).most_common()
        return (
            rule,
            task,
            str(len(jobs)),
            str(len(jobs) - len(todo)),
            hours(sum(job.gpu_hours for job in todo)),
            hours(sum(job.core_hours for job in todo)),
            duration(max(job.seconds for job in todo)) if todo else "",
            size(sum(job.bytes for job in jobs if self.keep or job.rule != "train")),
            ", ".join(sorted({job.source for job in todo})),
            "; ".join(f"{count} {reason}" if len(reasons) > 1 else reason for reason, count in reasons),
        )


def make_plan(profile: Profile, targets: list[str], gpus: int, gpu_flops: float = GPU_FLOPS) -> Plan:
    """What Snakemake would run for the targets, and its cost. Raises UserError."""
    estimated = Estimator(profile.results, gpu_flops)
    return Plan([estimated(job) for job in plan_jobs(profile, targets)], profile, gpus)


def place(job: Job) -> tuple[int, str, str]:
    """The row of a job, and the row's place in the table."""
    return ORDER.index(job.rule) if job.rule in ORDER else len(ORDER), job.rule, job.task


def render_plan(plan: Plan, targets: list[str]) -> str:
    """The table, what changed and what it costs, time and disk, and where the numbers come from."""
    rows = groupby(sorted(plan.jobs, key=place), place)
    lines = [plan.cells(rule, task, list(jobs)) for (_, rule, task), jobs in rows]
    everything = plan.cells("all", "", plan.jobs)
    lines.append((*everything[:6], "", everything[7], "", ""))
    keep = f"hallmarks accept {' '.join(targets)} --profile {plan.profile.name}"
    said = changes_said(plan.jobs, plan.profile.results, keep)
    parts = [[aligned(HEADS, lines, range(2, 8))], said, totals(plan), sources(plan.jobs)]
    return "\n\n".join("\n".join(part) for part in parts if part)


def totals(plan: Plan) -> list[str]:
    """Wall time, disk, and the runs that need more than one attempt."""
    at, beside = number(plan.workers, "GPUs"), ""
    if not plan.profile.slurm:
        at, beside = "this machine", f", {plan.workers} runs side by side" if plan.workers > 1 else ""
    disk, other, allowed = plan.disk, plan.other_disk, plan.profile.attempts
    if plan.keep:
        saving = f"with keep_trajectories: false, {size(other.rest)} and {size(other.peak)}, which saves"
    else:
        saving = "each trajectory is removed once its kernel exists, which saves"
    saved = f"{size(abs(disk.rest - other.rest))} at rest, {size(abs(disk.peak - other.peak))} at peak"
    lines = [
        f"Wall time on {at}{beside}: {duration(plan.seconds)}, waits in a queue left out.",
        f"Disk: {size(disk.rest)} at rest, {size(disk.peak)} at peak; {saving} {saved}.",
    ]
    for job in plan.over_limit:
        enough = "" if attempts_of(job) <= allowed else "; raise runtime or retries"
        lines.append(f"{attempts_said(job, allowed)}{enough}.")
    return lines


def sources(jobs: list[Job]) -> list[str]:
    """Where the numbers come from, those that were used."""
    rates = dict.fromkeys(rate for job in jobs if job.reason for rate in job.rates)
    lines = ["Measured: benchmark files and logs of finished runs of the same network and data."]
    return lines + [f"Stated: {rate}." for rate in rates]
