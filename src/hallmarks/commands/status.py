"""`hallmarks status --profile PROFILE`: each run's epoch, loss, speed, time left, node and attempts.

With `--efficiency REPORT…`: what finished jobs used of what they asked for, and what to ask for instead.
"""

import argparse
from collections import Counter
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default="laptop", help="laptop (the default), slurm, …")
    parser.add_argument("--unfinished", action="store_true", help="leave out the runs that are done")
    parser.add_argument(
        "--efficiency",
        type=Path,
        nargs="+",
        metavar="REPORT",
        help="instead: what jobs used, from the reports that a driver left, and what to ask for",
    )


def run(arguments: argparse.Namespace) -> None:
    from hallmarks.cluster.queue import queued
    from hallmarks.errors import UserError
    from hallmarks.planning import efficiency
    from hallmarks.planning.profile import open_profile
    from hallmarks.planning.progress import all_progress, render
    from hallmarks.runs.expand import expand

    profile = open_profile(arguments.profile)
    if arguments.efficiency:
        print(efficiency.render(efficiency.read(arguments.efficiency, profile)))
        return
    jobs, queue = [], ""
    if profile.slurm:
        try:
            jobs = queued(Path.cwd())
            states = Counter(job.state.lower() for job in jobs)
            queue = f"Queue: {', '.join(f'{count} {state}' for state, count in states.items()) or 'empty'}"
        except UserError as error:
            queue = f"The queue is not shown: {error}; run this where you submit jobs"
    config = profile.config
    rows = all_progress(list(expand(config).values()), Path(config.results), Path(config.scratch), jobs)
    if arguments.unfinished:
        rows = [row for row in rows if row.state not in {"done", "diverged"}]
    print(render(rows))
    if queue:
        print(queue)
