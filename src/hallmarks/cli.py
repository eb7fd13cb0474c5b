"""The command line: `hallmarks COMMAND …`, one module of `hallmarks.commands` a command.

Only the chosen command's module is imported, so that a command that needs no torch starts without it.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

from hallmarks.errors import UserError
from hallmarks.runs.request import read_settings, requested_identity

COMMANDS = {
    "data": "get, check and prepare a data set",
    "train": "train one run: its trajectory and log",
    "study": "compute a result that has no trajectory",
    "accept": "say that results made by other code stand",
    "map": "draw the trajectory map of a trajectory",
    "kernel": "compute the Gram matrices of a trajectory",
    "discard": "remove a trajectory's points once its kernel exists",
    "measure": "compute MDS, angles, norms and spectra from a kernel",
    "claims": "judge the paper's claims from measures",
    "notebook": "run a notebook, which draws a figure",
    "plan": "what would run, why, and what it costs",
    "status": "how far each run is",
    "doctor": "whether everything that a long run needs is there",
}


def main(argv: list[str] | None = None) -> int:
    """Run one command. Exit status: 0 done, 1 a failed check, 2 the caller's mistake."""
    parser = argparse.ArgumentParser(prog="hallmarks", description=__doc__.splitlines()[0])
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    argv = sys.argv[1:] if argv is None else argv
    chosen = next((word for word in argv if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        if name == chosen:
            command = importlib.import_module(f"hallmarks.commands.{name}")
            command.configure(subparser)
    arguments = parser.parse_args(argv)
    try:
        status = run_and_stamp(command, arguments)
        sys.stdout.flush()
        return status
    except UserError as error:
        print(f"hallmarks {chosen}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"hallmarks {chosen}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever reads the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def run_and_stamp(command: ModuleType, arguments: argparse.Namespace) -> int:
    """Run a command; where the workflow asked for its result, say beside it what it was made by."""
    path = getattr(arguments, "settings", None)
    settings = read_settings(path) if isinstance(path, Path) else {}
    made = requested_identity(settings) if "identity" in settings else None
    status = command.run(arguments) or 0
    if made is not None and status == 0:
        made.write(Path(settings["identity_file"]))
    return status


if __name__ == "__main__":
    sys.exit(main())
