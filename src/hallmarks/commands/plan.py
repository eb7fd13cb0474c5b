"""`hallmarks plan [TARGET…] --profile PROFILE`: what would run, why, and its cost."""

import argparse
import math

from hallmarks.errors import UserError


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("targets", metavar="TARGET", nargs="*", help="what to make, such as fig12; else all")
    parser.add_argument("--profile", default="laptop", help="laptop (the default), slurm, …")
    parser.add_argument("--gpus", type=int, default=8, help="GPUs that you get at once; 8 by default")
    parser.add_argument(
        "--tflops", type=float, help="what your GPU sustains in training, in place of the A100's in TF32"
    )


def run(arguments: argparse.Namespace) -> None:
    from hallmarks.planning import costs
    from hallmarks.planning.estimates import Estimator
    from hallmarks.planning.jobs import plan_jobs
    from hallmarks.planning.profile import open_profile
    from hallmarks.planning.table import make_plan, render

    if arguments.gpus < 1:
        raise UserError(f"--gpus {arguments.gpus}: at least 1")
    if arguments.tflops is not None and not 0 < arguments.tflops < math.inf:
        raise UserError(f"--tflops {arguments.tflops:g}: more than 0")
    profile = open_profile(arguments.profile)
    flops = costs.GPU_FLOPS if arguments.tflops is None else arguments.tflops * 1e12
    estimator = Estimator(profile.config, flops)
    jobs = plan_jobs(profile, arguments.targets or ["all"])
    print(render(make_plan(jobs, estimator, profile, arguments.gpus), profile))
