"""What a plan says of results that are there: which change makes them again, and which stand as accepted."""

from collections import Counter, defaultdict

from hallmarks.planning.jobs import Job
from hallmarks.planning.text import hours, number
from hallmarks.workflow.accepting import stands_accepted
from hallmarks.workflow.results import Results


def changes_said(jobs: list[Job], results: Results, keep: str) -> list[str]:
    """A line for each change, with what making again costs by it; `keep` is how to keep what is there."""
    groups: dict[tuple[str, ...], list[Job]] = defaultdict(list)
    for job in jobs:
        if job.changes:
            groups[job.changes].append(job)
    lines = [f"{'; '.join(said)}: {counted(made)}, {spent(made)}" for said, made in groups.items()]
    if lines:
        lines.append(f'`{keep} --why "…"` keeps them as they are.')
    standing = [job for job in jobs if job.result and not job.reason and stands_accepted(results, job.result)]
    return lines + ([f"Accepted as they are: {counted(standing)}."] if standing else [])


def counted(jobs: list[Job]) -> str:
    """`36 runs, 1 kernel`."""
    kinds = Counter(job.result.kind for job in jobs)
    return ", ".join(number(count, kind) for kind, count in kinds.items())


def spent(jobs: list[Job]) -> str:
    """`276 GPU h`, or `3.1 core h` where no GPU is asked for."""
    gpu, core = sum(job.gpu_hours for job in jobs), sum(job.core_hours for job in jobs)
    return f"{hours(gpu)} GPU h" if gpu else f"{hours(core)} core h"
