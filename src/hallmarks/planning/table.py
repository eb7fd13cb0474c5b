"""The plan as a table by rule and task, with what changed, its totals, and where the numbers come from."""

from collections import Counter
from itertools import groupby

from hallmarks.files import size
from hallmarks.planning.jobs import Job
from hallmarks.planning.plan import Plan, left
from hallmarks.planning.text import aligned, duration, hours, number
from hallmarks.workflow.accepting import stands_accepted

ORDER = ["data", "train", "look_up", "fetch", "kernel", "discard", "measure", "study", "figure", "table"]
HEADS = "rule", "task", "jobs", "done", "GPU h", "core h", "longest", "disk", "estimate", "why they run"
MEASURED = "Measured: benchmark files and logs of finished runs of the same network and data."


def render_plan(plan: Plan, targets: list[str]) -> str:
    """The table, what changed and what it costs, time and disk, and where the numbers come from."""
    rows = groupby(sorted(plan.jobs, key=place), place)
    lines = [cells(rule, task, list(jobs), plan.keep) for (_, rule, task), jobs in rows]
    everything = cells("all", "", plan.jobs, plan.keep)
    lines.append((*everything[:6], "", everything[7], "", ""))
    keeping = f"hallmarks accept {' '.join(targets)} --profile {plan.profile.name}"
    rates = dict.fromkeys([MEASURED, *(f"Stated: {rate}." for job in plan.todo for rate in job.rates)])
    parts = [[aligned(HEADS, lines, range(2, 8))], changes(plan, keeping), totals(plan), rates]
    return "\n\n".join("\n".join(part) for part in parts if part)


def place(job: Job) -> tuple[int, str, str]:
    """The row of a job, and the row's place in the table."""
    return ORDER.index(job.rule) if job.rule in ORDER else len(ORDER), job.rule, job.task


def cells(rule: str, task: str, jobs: list[Job], keep: bool) -> tuple[str, ...]:
    """A row of the table: hours and reasons are of those jobs that are still to run."""
    todo = [job for job in jobs if job.reason]
    reasons = Counter(job.reason for job in todo).most_common()
    return (
        rule,
        task,
        str(len(jobs)),
        str(len(jobs) - len(todo)),
        *spent(todo),
        duration(max(job.seconds for job in todo)) if todo else "",
        size(left(jobs, keep)),
        ", ".join(sources(todo)),
        "; ".join(f"{count} {reason}" if len(reasons) > 1 else reason for reason, count in reasons),
    )


def sources(jobs: list[Job]) -> list[str]:
    """What their estimates rest on."""
    runs = sorted({job.measured for job in jobs if job.measured})
    counts = (
        [number(runs[0], "runs")] if len(runs) == 1 else [f"{runs[0]} to {runs[-1]} runs"] if runs else []
    )
    return [*(f"measured, {count}" for count in counts), *["stated"] * any(not job.measured for job in jobs)]


def spent(jobs: list[Job]) -> tuple[str, str]:
    """GPU hours, and core hours of those that ask for no GPU."""
    gpu = sum(job.seconds * job.resources.get("gpu", 0) for job in jobs)
    core = sum(job.seconds * job.threads for job in jobs if not job.resources.get("gpu"))
    return hours(gpu / 3600), hours(core / 3600)


def changes(plan: Plan, keeping: str) -> list[str]:
    """A line for each change, with what making again costs by it; `keeping` is how to keep what is there."""
    own, lines = [job for job in plan.todo if job.own], []
    for reason in dict.fromkeys(job.reason for job in own):
        jobs = [job for job in own if job.reason == reason]
        gpu, core = spent(jobs)
        lines.append(f"{reason}: {counted(jobs)}, {f'{gpu} GPU h' if gpu else f'{core} core h'}")
    if lines:
        lines.append(f'`{keeping} --why "…"` keeps them as they are.')
    done = [job for job in plan.jobs if job.result and not job.reason]
    if standing := [job for job in done if stands_accepted(plan.profile.results, job.result)]:
        lines.append(f"Accepted as they are: {counted(standing)}.")
    return lines


def counted(jobs: list[Job]) -> str:
    """`36 runs, 1 kernel`."""
    kinds = Counter(job.result.kind for job in jobs)
    return ", ".join(number(count, kind) for kind, count in kinds.items())


def totals(plan: Plan) -> list[str]:
    """Wall time, disk, what bounds the runs that read files, and those that need more than one attempt."""
    where = "this machine" + f", {plan.workers} runs side by side" * (plan.workers > 1)
    where = number(plan.workers, "GPUs") if plan.profile.slurm else where
    rest, peak = left(plan.jobs, plan.keep), plan.peak(plan.keep)
    rest_saved = left(plan.jobs, True) - left(plan.jobs, False)
    peak_saved = plan.peak(True) - plan.peak(False)
    bounds = dict.fromkeys(f"{job.task}: {job.bound}." for job in plan.todo if job.bound)
    return [
        f"Wall time on {where}: {duration(plan.seconds)}, waits in a queue left out.",
        f"Disk: {size(rest)} at rest, {size(peak)} at peak; "
        f"keep_trajectories: false saves {size(rest_saved)} at rest, {size(peak_saved)} at peak.",
        *bounds,
        *(f"{said}{'' if enough else '; raise runtime or retries'}." for said, enough in plan.limits.items()),
    ]
