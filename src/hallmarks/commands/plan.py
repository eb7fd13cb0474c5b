"""`hallmarks plan [TARGET…] --profile PROFILE`: what would run, why, and its cost."""

import argparse
import math

from hallmarks.commands import add_profile
from hallmarks.errors import UserError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets", metavar="TARGET", nargs="*", default=["all"], help="what to make, such as fig12; else all"
    )
    add_profile(parser)
    parser.add_argument("--gpus", type=int, default=8, help="GPUs that you get at once; 8 by default")
    parser.add_argument(
        "--tflops",
        type=float,
        help="what your GPU sustains in training, in place of what NVIDIA publishes for each precision",
    )


def run(arguments: argparse.Namespace) -> None:
    from hallmarks.planning.plan import make_plan
    from hallmarks.planning.profile import open_profile
    from hallmarks.planning.table import render_plan

    if arguments.gpus < 1:
        raise UserError(f"--gpus {arguments.gpus}: at least 1")
    if arguments.tflops is not None and not 0 < arguments.tflops < math.inf:
        raise UserError(f"--tflops {arguments.tflops:g}: more than 0")
    profile = open_profile(arguments.profile, arguments.configfile)
    flops = None if arguments.tflops is None else arguments.tflops * 1e12
    plan = make_plan(profile, arguments.targets, arguments.gpus, flops)
    print(render_plan(plan, arguments.targets))
