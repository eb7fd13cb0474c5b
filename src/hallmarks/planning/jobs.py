"""The jobs of the workflow as Snakemake itself plans them: which are done, and why the others would run."""

import contextlib
import io
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

from hallmarks.errors import UserError
from hallmarks.planning.profile import Profile
from hallmarks.trajectory.store import POINTS
from hallmarks.workflow.results import MADE_BY, Result, Results
from hallmarks.workflow.targets import named

WARNED = 300  # seconds before its limit, a run is told to save


@dataclass(frozen=True)
class Job:
    """One job of a rule, for the run, data set, figure, … of this name; `resources` as the profile asks.

    `reason` says why it would run, None where it is done; it is `own` where what the job is made of does not
    share it. Estimated are its `seconds`, the `bytes` that it leaves, and those of the `states` of a run in
    progress: from so many `measured` runs, or by stated `rates`; then `bound` says what bounds a run that
    reads files.
    """

    rule: str
    name: str
    reason: str | None
    threads: int
    resources: dict[str, Any]
    own: bool = False
    seconds: float = 0.0
    bytes: int = 0
    states: int = 0
    measured: int = 0
    rates: tuple[str, ...] = ()
    bound: str = ""

    @property
    def attempts(self) -> int:
        """How many jobs it takes, each as long as its time limit."""
        return math.ceil(self.seconds / max(60 * self.resources.get("runtime", math.inf) - WARNED, 60))

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
    from snakemake.api import DAGApi, SnakemakeApi
    from snakemake.exceptions import MissingRuleException

    planned: list[Job] = []
    execute = DAGApi.execute_workflow

    def capture(api: DAGApi, *arguments: Any, **keywords: Any) -> None:
        execute(api, *arguments, **keywords)
        planned.extend(jobs_of(api.workflow_api._workflow.dag, profile.results))

    def refuse(api: SnakemakeApi, error: Exception) -> NoReturn:
        if isinstance(error, MissingRuleException):
            for target in targets:
                named(profile.results, target)  # raises, and says what would do
        said = f"Snakemake cannot plan {' '.join(targets) or 'all'}: {error or type(error).__name__}"
        raise UserError(" ".join(said.split())) from None

    # Quiet on these two, a dry run ends before the scheduler, whose time grows with the square of the jobs.
    command = ["--dry-run", "--quiet", "rules", "progress", "--nolock", *profile.arguments]
    if "cores" not in profile.keys:  # a dry run would take it for one core, and each job with it
        command += ["--cores", "1024"]
    # Snakemake's one entrance that reads a profile keeps to itself what it plans, and only prints what fails.
    keeping = patch.object(DAGApi, "execute_workflow", capture)
    telling, said = patch.object(SnakemakeApi, "print_exception", refuse), io.StringIO()
    try:
        with keeping, telling, contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            parser, arguments = cli.parse_args([*command, "--", *targets])
            cli.args_to_api(arguments, parser)
    except (SystemExit, ValueError) as error:  # of a key in the profile
        printed = said.getvalue().rpartition("error: ")[2].strip()
        wrong = printed if isinstance(error, SystemExit) else error
        raise UserError(f"--profile {profile.name}: {wrong}") from None
    return planned


def jobs_of(dag: Any, results: Results) -> list[Job]:
    """The jobs of a Snakemake DAG that make something, targets left out."""
    found = []
    for each in (job for job in dag.jobs if job.output):
        name = next(iter(each.wildcards_dict.values()), "")
        job = Job(each.rule.name, name, None, int(each.threads), dict(each.resources.items()))
        if dag.needrun(each):
            before = sorted({other.rule.name for other in dag.dependencies[each] if dag.needrun(other)})
            changes = changes_of(job.result, results, bool(before)) if job.result else ""
            job = replace(job, reason=changes or why(dag.reason(each), before), own=bool(changes))
        found.append(job)
    return found


def changes_of(result: Result, results: Results, parts_too: bool) -> str:
    """Why a result would be made again, of its own; where none of its parts would be, what they are now."""
    verdict = results.verdict(result) or []
    parts = {f"{part.kind}/{part.name} is another" for part in results.parts(result)}
    own = [said for said in verdict if said not in parts]
    if own or parts_too or not verdict:
        return "; ".join(own)
    return verdict[0] if len(verdict) == 1 else f"{verdict[0]}, and {len(verdict) - 1} more"


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
