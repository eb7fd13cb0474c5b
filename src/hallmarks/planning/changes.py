"""What a plan says of results that are there: which change makes them again, and which stand as accepted."""

from collections import Counter, defaultdict

from hallmarks.planning.estimates import Planned
from hallmarks.planning.jobs import Job
from hallmarks.planning.profile import Profile
from hallmarks.planning.text import hours, number
from hallmarks.runs.identity import Identity, changes
from hallmarks.workflow.results import Results


def changes_said(todo: list[Planned], targets: list[str], profile: Profile) -> list[str]:
    """A line for each change, with what making again costs by it, and last how to keep what is there."""
    groups: dict[tuple[str, ...], list[Planned]] = defaultdict(list)
    for each in todo:
        if each.job.changes:
            groups[each.job.changes].append(each)
    lines = [
        f"{'; '.join(said)}: {counted([each.job for each in made])}, {spent(made)}"
        for said, made in groups.items()
    ]
    if lines:
        what = f"{' '.join(targets)} --profile {profile.name}"
        lines.append(f'`hallmarks accept {what} --why "…"` keeps them as they are.')
    return lines


def accepted_said(jobs: list[Job], results: Results) -> list[str]:
    """How many results stand because somebody said so, in a line; none where there are none."""
    standing = [job for job in jobs if job.result and not job.reason and stands_accepted(job, results)]
    return [f"{counted(standing)} stand as accepted."] if standing else []


def stands_accepted(job: Job, results: Results) -> bool:
    if not (results.folder / job.result.beside("accepted")).exists():
        return False
    made = Identity.read(results.folder / job.result.beside("identity"))
    return bool(changes(made, results.identity(job.result)))


def counted(jobs: list[Job]) -> str:
    """`36 runs, 1 kernel`."""
    kinds = Counter(job.result.kind for job in jobs)
    return ", ".join(number(count, kind) for kind, count in kinds.items())


def spent(planned: list[Planned]) -> str:
    """`276 GPU h`, or `3.1 core h` where no GPU is asked for."""
    gpu, core = sum(each.gpu_hours for each in planned), sum(each.core_hours for each in planned)
    return f"{hours(gpu)} GPU h" if gpu else f"{hours(core)} core h"
