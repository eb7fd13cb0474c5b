"""Where the states of a run lie that others branch from: beside it, or made again in scratch."""

from pathlib import Path

from hallmarks.runs.identity import SHORT

MADE_AGAIN = ".states"  # in scratch


def state_name(step: int) -> str:
    """The file of a state after so many steps."""
    return f"state-{step:09d}.pt"


def kept_in(run: Path) -> Path:
    """The folder of the states that a run, which lies in `run`, left when it was trained."""
    return run / "states"


def made_again_in(scratch: Path, run: str, key: str) -> Path:
    """Where the first steps of the run of this name and identity are trained again, for states not there."""
    return scratch / MADE_AGAIN / run / key[:SHORT]
