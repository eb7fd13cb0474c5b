"""The plan as a table by rule and task, with its totals."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from hallmarks.planning.changes import accepted_said, changes_said
from hallmarks.planning.costs import GPU_FLOPS
from hallmarks.planning.disk import disk_of
from hallmarks.planning.estimates import Estimator, Planned
from hallmarks.planning.jobs import Job, plan_jobs
from hallmarks.planning.profile import Profile
from hallmarks.planning.text import aligned, duration, hours, number, size
from hallmarks.planning.wall import runs_at_once, time_limits, wall_seconds

ORDER = ["data", "train", "kernel", "discard", "measure", "study", "figure", "table"]
HEADS = "rule", "task", "jobs", "done", "GPU h", "core h", "longest", "disk", "estimate", "why they run"


@dataclass(frozen=True)
class Row:
    """The jobs of one rule and task, and those of them still to run."""

    rule: str
    task: str
    planned: list[Planned]

    @property
    def todo(self) -> list[Planned]:
        return [each for each in self.planned if each.job.reason]

    @property
    def gpu_hours(self) -> float:
        return sum(each.gpu_hours for each in self.todo)

    @property
    def core_hours(self) -> float:
        return sum(each.core_hours for each in self.todo)

    @property
    def longest(self) -> float:
        """Seconds of the longest job."""
        return max((each.seconds for each in self.todo), default=0.0)

    @property
    def why(self) -> str:
        reasons = Counter(each.job.reason for each in self.todo).most_common()
        return "; ".join(f"{count} {reason}" if len(reasons) > 1 else reason for reason, count in reasons)


class Plan:
    """The rows, and what they add up to, with `gpus` GPUs at once where the profile is a cluster's."""

    def __init__(self, planned: list[Planned], profile: Profile, gpus: int):
        self.planned, self.profile, self.keep = planned, profile, profile.config.keep_trajectories
        self.todo = [each for each in planned if each.job.reason]
        training = [each for each in self.todo if each.cost]
        self.workers = runs_at_once(training, profile, gpus)
        self.seconds = wall_seconds(self.todo, self.workers, profile.slurm)
        self.limits = time_limits(training)
        # With the other choice of `keep_trajectories` too.
        self.disk, self.other_disk = (
            disk_of(planned, profile.config, self.workers, keep) for keep in (self.keep, not self.keep)
        )

    @property
    def jobs(self) -> list[Job]:
        return [each.job for each in self.planned]

    @property
    def rows(self) -> list[Row]:
        grouped = defaultdict(list)
        for each in self.planned:
            grouped[each.job.rule, each.job.task].append(each)
        order = sorted(grouped, key=lambda key: (ORDER.index(key[0]) if key[0] in ORDER else len(ORDER), key))
        return [Row(*key, grouped[key]) for key in order]

    def cells(self, row: Row) -> tuple[str, ...]:
        return (
            row.rule,
            row.task,
            str(len(row.planned)),
            str(len(row.planned) - len(row.todo)),
            hours(row.gpu_hours),
            hours(row.core_hours),
            duration(row.longest) if row.longest else "",
            size(sum(each.bytes for each in row.planned if self.keep or not each.cost)),
            ", ".join(sorted({each.source for each in row.todo})),
            row.why,
        )


def make_plan(profile: Profile, targets: list[str], gpus: int, gpu_flops: float = GPU_FLOPS) -> Plan:
    """What Snakemake would run for the targets, and its cost. Raises UserError."""
    estimator = Estimator(profile.results, gpu_flops)
    return Plan([estimator(job) for job in plan_jobs(profile, targets)], profile, gpus)


def render_plan(plan: Plan, targets: list[str]) -> str:
    """The table, what making again costs by what changed, time and disk, and where the numbers come from."""
    everything = plan.cells(Row("all", "", plan.planned))
    lines = [*map(plan.cells, plan.rows), (*everything[:6], "", everything[7], "", "")]
    said = [*changes_said(plan.todo, targets, plan.profile), *accepted_said(plan.jobs, plan.profile.results)]
    parts = [[aligned(HEADS, lines, range(2, 8))], said, totals(plan), sources(plan)]
    return "\n\n".join("\n".join(part) for part in parts if part)


def totals(plan: Plan) -> list[str]:
    """Wall time, disk, and the runs that need more than one attempt."""
    at = number(plan.workers, "GPUs") if plan.profile.slurm else "this machine"
    beside = f", {plan.workers} runs side by side" if not plan.profile.slurm and plan.workers > 1 else ""
    wall = f"Wall time on {at}{beside}: {duration(plan.seconds)}, waits in a queue left out."
    disk, other, allowed = plan.disk, plan.other_disk, plan.profile.attempts
    if plan.keep:
        saving = f"with keep_trajectories: false, {size(other.rest)} and {size(other.peak)}, which saves"
    else:
        saving = "each trajectory is removed once its kernel exists, which saves"
    saved = f"{size(abs(disk.rest - other.rest))} at rest, {size(abs(disk.peak - other.peak))} at peak"
    return [
        wall,
        f"Disk: {size(disk.rest)} at rest, {size(disk.peak)} at peak; {saving} {saved}.",
        *(
            f"{limit.said(allowed)}{'' if limit.attempts <= allowed else ': raise runtime or retries'}."
            for limit in plan.limits
        ),
    ]


def sources(plan: Plan) -> list[str]:
    """Where the numbers come from, those that were used."""
    rates = dict.fromkeys(rate for row in plan.rows for each in row.todo for rate in each.rates)
    lines = ["Measured: benchmark files and logs of finished runs of the same network and data."]
    return lines + [f"Stated: {rate}." for rate in rates]
