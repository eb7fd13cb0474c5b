"""One question to a command of SLURM."""

import subprocess

from hallmarks.errors import UserError

SECONDS = 60


def ask(command: str, *arguments: str) -> list[str]:
    """The lines that it prints; none of a job that SLURM has forgotten. Raises UserError where none comes."""
    try:
        done = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=SECONDS)
    except FileNotFoundError:
        raise UserError(f"{command} is not installed here") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{command} does not answer within {SECONDS} s") from None
    if done.returncode and "Invalid job id" not in done.stderr:
        raise UserError(f"{command}: {' '.join(done.stderr.split())}")
    return done.stdout.splitlines()
