"""The command line: `hallmarks COMMAND …`, one module of `hallmarks.commands` a command.

Only the chosen command's module is imported, so that a command that needs no torch starts without it.
"""

import argparse
import importlib
import os
import sys

from hallmarks.errors import UserError

COMMANDS = {
    "data": "get, check and prepare a data set",
    "train": "train one run: its trajectory and log",
    "initialisations": "how alike random initialisations of a model are",
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
        status = command.run(arguments) or 0
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


if __name__ == "__main__":
    sys.exit(main())
