"""`hallmarks status --profile PROFILE`: each run's epoch, loss, speed, time left, node and attempts.

With `--efficiency REPORT…`: what finished jobs used of what they asked for, and what to ask for instead.
"""

import argparse
from collections import Counter
from pathlib import Path

from hallmarks.cluster.slurm import Queued, queued
from hallmarks.commands import add_profile
from hallmarks.errors import UserError


def configure(parser: argparse.ArgumentParser) -> None:
    add_profile(parser)
    parser.add_argument("--unfinished", action="store_true", help="leave out the runs that are done")
    parser.add_argument(
        "--efficiency",
        type=Path,
        nargs="+",
        metavar="REPORT",
        help="instead: what jobs used, from the reports that a driver left, and what to ask for",
    )


def run(arguments: argparse.Namespace) -> None:
    from hallmarks.planning.efficiency import read_reports, render_uses
    from hallmarks.planning.profile import open_profile
    from hallmarks.planning.progress import leftovers_said, progress, render_progress

    profile = open_profile(arguments.profile, arguments.configfile)
    if arguments.efficiency:
        print(render_uses(read_reports(arguments.efficiency, profile)))
        return
    jobs, queue = ask_queue() if profile.slurm else ([], "")
    results, scratch = profile.results, Path(profile.paper.config.scratch)
    rows = [progress(run, results.folder, scratch, jobs) for run in profile.paper.runs.values()]
    # Runs that are made by name alone, once they are asked for.
    rows = [row for row in rows if row["state"] != "waiting" or row["run"] in profile.paper.runs_in_all]
    if arguments.unfinished:
        rows = [row for row in rows if row["state"] not in {"done", "diverged"}]
    for said in (render_progress(rows), queue, leftovers_said(results)):
        if said:
            print(said)


def ask_queue() -> tuple[list[Queued], str]:
    """The jobs that were submitted from here, and a line on them."""
    try:
        jobs = queued(Path.cwd())
    except UserError as error:
        return [], f"The queue is not shown: {error}; run this where you submit jobs"
    states = Counter(job.state.lower() for job in jobs)
    return jobs, f"Queue: {', '.join(f'{count} {state}' for state, count in states.items()) or 'empty'}"
