"""`hallmarks doctor --profile PROFILE`: everything that a long run needs, checked before it starts.

Exit status 1 when a check fails.
"""

import argparse

from hallmarks.errors import UserError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default="laptop", help="laptop (the default), slurm, …")
    parser.add_argument("--gpus", type=int, default=8, help="GPUs that you get at once; 8 by default")
    parser.add_argument("--wait", type=float, default=600, help="seconds to wait for a job; 600 by default")


def run(arguments: argparse.Namespace) -> int:
    from hallmarks.checks import render
    from hallmarks.checks.doctor import examine
    from hallmarks.planning.estimates import Estimator
    from hallmarks.planning.jobs import plan_jobs
    from hallmarks.planning.profile import open_profile
    from hallmarks.planning.table import make_plan

    if arguments.gpus < 1:
        raise UserError(f"--gpus {arguments.gpus}: at least 1")
    profile = open_profile(arguments.profile)
    estimator = Estimator(profile.config)
    jobs = plan_jobs(profile, ["all"])
    plan = make_plan(jobs, estimator, profile, arguments.gpus)
    checks = examine(profile, plan, jobs, arguments.wait)
    print(render(checks))
    return int(any(check.remedy for check in checks))
