"""One module a command: `configure(parser)` adds its arguments, `run(arguments)` does it."""

import argparse
from pathlib import Path


def add_profile(parser: argparse.ArgumentParser, default: str | None = "laptop") -> None:
    """Which workflow is asked about, as one tells Snakemake; where no default is, the laptop's, if any."""
    parser.add_argument("--profile", default=default, help="laptop (the default), slurm, …, or a path")
    parser.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="overlays in place of the profile's own, as for snakemake",
    )
