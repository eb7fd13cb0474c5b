"""The jobs of the workflow as Snakemake itself plans them: which are done, and why the others would run."""

import contextlib
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.planning.profile import Profile
from hallmarks.planning.text import number
from hallmarks.runs.origin import Cost
from hallmarks.trajectory.store import POINTS
from hallmarks.workflow.results import Result, Results
from hallmarks.workflow.targets import named

MANY = 1024
RESOURCES = ("gpu", "gpu_model", "mem_mb", "runtime", "slurm_account", "slurm_partition")
MADE_BY = dict(
    train="runs", kernel="kernels", measure="measures", study="studies", figure="figures", table="tables"
)


@dataclass(frozen=True)
class Job:
    """One job of a rule, for the run, data set, figure, … of this name; `resources` as the profile asks.

    `reason` says why it would run, None where it is done; `changes` are the reasons that it does not share
    with what it is made of. Estimated are its `seconds` and the `bytes` that it leaves (of training the
    trajectory's, and the run's `cost`): from so many `measured` runs, or by stated `rates`.
    """

    rule: str
    name: str
    reason: str | None
    threads: int
    resources: dict[str, Any]
    changes: tuple[str, ...] = ()
    seconds: float = 0.0
    bytes: int = 0
    cost: Cost | None = None
    measured: int = 0
    rates: tuple[str, ...] = ()

    @property
    def gpu_hours(self) -> float:
        return self.seconds / 3600 * self.resources.get("gpu", 0)

    @property
    def core_hours(self) -> float:
        """Of a job that asks for no GPU."""
        return 0.0 if self.resources.get("gpu") else self.seconds / 3600 * self.threads

    @property
    def source(self) -> str:
        return f"measured, {number(self.measured, 'runs')}" if self.measured else "stated"

    @property
    def result(self) -> Result | None:
        """What the job makes, if the house keeps its identity."""
        return Result(MADE_BY[self.rule], self.name) if self.rule in MADE_BY else None

    @property
    def task(self) -> str:
        """The task of the run that the job belongs to, or its data set."""
        return self.name.split("/")[0] if "/" in self.name or self.rule == "data" else ""


def plan_jobs(profile: Profile, targets: list[str]) -> list[Job]:
    """Every job that makes something for the targets, by a dry run here. Raises UserError."""
    from snakemake import cli
    from snakemake.api import DAGApi

    planned: list[Job] = []
    execute = DAGApi.execute_workflow

    def capture(api: DAGApi, *arguments: Any, **keywords: Any) -> None:
        execute(api, *arguments, **keywords)
        planned.extend(jobs_of(api.workflow_api._workflow.dag, profile.results))

    # Quiet on these two, a dry run ends before the scheduler, whose time grows with the square of the jobs.
    command = ["--dry-run", "--quiet", "rules", "progress", "--nolock", *profile.arguments]
    if "cores" not in profile.keys:  # a dry run would take it for one core, and each job with it
        command += ["--cores", str(MANY)]
    command += ["--", *targets]
    said = io.StringIO()
    DAGApi.execute_workflow = capture
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            done = cli.args_to_api(*reversed(cli.parse_args(command)))
    finally:
        DAGApi.execute_workflow = execute
    if not done:
        if "MissingRuleException" in said.getvalue() and profile.results:
            for target in targets:
                named(profile.results, target)  # raises, and says what would do
        raise UserError(f"Snakemake cannot plan {' '.join(targets) or 'all'}: {last_words(said.getvalue())}")
    return planned


def last_words(said: str) -> str:
    """What Snakemake said of an error, in a line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    start = next((n for n, line in enumerate(lines) if "rror" in line or "xception" in line), len(lines) - 3)
    return " ".join(lines[max(start, 0) :])


def jobs_of(dag: Any, results: Results | None) -> list[Job]:
    """The jobs of a Snakemake DAG that make something, targets left out."""
    found = []
    for each in dag.jobs:
        if not each.output:
            continue
        name = next(iter(each.wildcards_dict.values()), "")
        asks = {key: value for key in RESOURCES if (value := each.resources.get(key)) is not None}
        job = Job(each.rule.name, name, None, int(each.threads), asks)
        if dag.needrun(each):
            before = sorted({other.rule.name for other in dag.dependencies[each] if dag.needrun(other)})
            changes = changes_of(job.result, results, bool(before)) if job.result and results else []
            reason = "; ".join(changes) or why(dag.reason(each), before)
            job = replace(job, reason=reason, changes=tuple(changes))
        found.append(job)
    return found


def changes_of(result: Result, results: Results, parts_too: bool) -> list[str]:
    """Why a result would be made again, of its own; where none of its parts would be, what they are now."""
    verdict = results.verdict(result) or []
    parts = {f"{part.kind}/{part.name} is another" for part in results.parts(result)}
    own = [said for said in verdict if said not in parts]
    if own or parts_too or not verdict:
        return own
    return [verdict[0] if len(verdict) == 1 else f"{verdict[0]}, and {len(verdict) - 1} more"]


def why(reason: Any, before: list[str]) -> str:
    """The first cause among those that Snakemake has; `before` are the rules that run first."""
    if reason.missing_output:
        removed = {Path(file).name for file in reason.missing_output} == {POINTS}
        return "points removed, needed again" if removed else "not made yet"
    if reason.incomplete_output:
        return "cut off before its end"
    if newer := sorted(map(str, reason.updated_input - reason.updated_input_run)):
        return f"changed: {', '.join(newer[:2])}{' …' if len(newer) > 2 else ''}"
    return f"{' and '.join(before)} runs again" if before else str(reason)
