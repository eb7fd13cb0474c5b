"""The jobs of the workflow as Snakemake itself plans them: which are done, and why the others would run."""

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hallmarks.errors import UserError
from hallmarks.planning.profile import Profile
from hallmarks.trajectory.store import POINTS

MANY = 1024
RESOURCES = ("gpu", "gpu_model", "mem_mb", "runtime", "slurm_account", "slurm_partition")


@dataclass(frozen=True)
class Job:
    """One job. `reason` says why it would run, None where it is done; `resources` as the profile asks."""

    rule: str
    wildcards: dict[str, str]
    output: list[str]
    reason: str | None
    threads: int
    resources: dict[str, Any]

    @property
    def run(self) -> str | None:
        """The training run that the job belongs to."""
        return self.wildcards.get("run")


def plan_jobs(profile: Profile, targets: list[str]) -> list[Job]:
    """Every job that makes something for the targets, by a dry run here. Raises UserError."""
    from snakemake import cli
    from snakemake.api import DAGApi

    planned: list[Job] = []
    execute = DAGApi.execute_workflow

    def capture(api: DAGApi, *arguments: Any, **keywords: Any) -> None:
        execute(api, *arguments, **keywords)
        planned.extend(jobs_of(api.workflow_api._workflow.dag))

    # Quiet on these two, a dry run ends before the scheduler, whose time grows with the square of the jobs.
    command = ["--dry-run", "--quiet", "rules", "progress", "--nolock", "--profile", profile.name]
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
        raise UserError(f"Snakemake cannot plan {' '.join(targets) or 'all'}: {last_words(said.getvalue())}")
    return planned


def last_words(said: str) -> str:
    """What Snakemake said of an error, in a line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    start = next((n for n, line in enumerate(lines) if "rror" in line or "xception" in line), len(lines) - 3)
    return " ".join(lines[max(start, 0) :])


def jobs_of(dag: Any) -> list[Job]:
    """The jobs of a Snakemake DAG that make something, targets left out."""
    return [
        Job(
            rule=job.rule.name,
            wildcards=dict(job.wildcards_dict),
            output=[str(file) for file in job.output],
            reason=why(dag, job) if dag.needrun(job) else None,
            threads=int(job.threads),
            resources={name: value for name in RESOURCES if (value := job.resources.get(name)) is not None},
        )
        for job in dag.jobs
        if job.output
    ]


def why(dag: Any, job: Any) -> str:
    """The first cause among those that Snakemake has, in a few words."""
    reason = dag.reason(job)
    if reason.missing_output:
        removed = {Path(file).name for file in reason.missing_output} == {POINTS}
        return "points removed, needed again" if removed else "not made yet"
    if reason.incomplete_output:
        return "cut off before its end"
    if reason.forced:
        return "forced"
    if newer := reason.updated_input - reason.updated_input_run:
        files = sorted(map(str, newer))
        return f"changed: {', '.join(files[:2])}{' …' if len(files) > 2 else ''}"
    changes = {
        "settings changed": reason.params_changed,
        "rule changed": reason.code_changed,
        "other inputs": reason.input_changed,
        "environment changed": reason.software_stack_changed,
    }
    for name, changed in changes.items():
        if changed:
            return name
    before = sorted({other.rule.name for other in dag.dependencies[job] if dag.needrun(other)})
    return f"{' and '.join(before) or 'what it needs'} runs again"
