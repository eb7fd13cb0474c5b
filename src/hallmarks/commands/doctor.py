"""`hallmarks doctor --profile PROFILE`: everything that a long run needs, checked before it starts.

Exit status 1 when a check fails.
"""

import argparse

from hallmarks.commands import add_profile
from hallmarks.errors import UserError


def configure(parser: argparse.ArgumentParser) -> None:
    add_profile(parser)
    parser.add_argument("--gpus", type=int, default=8, help="GPUs that you get at once; 8 by default")
    parser.add_argument("--wait", type=float, default=600, help="seconds to wait for a job; 600 by default")


def run(arguments: argparse.Namespace) -> int:
    from hallmarks.checks import render_checks
    from hallmarks.checks.doctor import examine
    from hallmarks.planning.plan import make_plan
    from hallmarks.planning.profile import open_profile

    if arguments.gpus < 1:
        raise UserError(f"--gpus {arguments.gpus}: at least 1")
    profile = open_profile(arguments.profile, arguments.configfile)
    checks = list(examine(make_plan(profile, ["all"], arguments.gpus), arguments.wait))
    print(render_checks(checks))
    return int(any(check.remedy for check in checks))
