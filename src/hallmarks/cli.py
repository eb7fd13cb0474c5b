"""The command line, `hallmarks COMMAND …`: its help, and what a user reads when a command does not end well.

Only the chosen command's module is imported, so that a command that needs no torch starts without it.
"""

import argparse
import difflib
import gc
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

from hallmarks.errors import UserError
from hallmarks.runs.request import read_request, requested_identity

COMMANDS = {
    "your own checkpoints": {
        "map": "draw the trajectory map of checkpoints, and tell ω",
        "kernel": "compute the Gram matrices of checkpoints",
        "measure": "compute MDS, angles, norms and spectra from a kernel",
        "hub": "check a published trajectory, and lock what is read of it",
    },
    "the paper, before and while snakemake makes it": {
        "plan": "what would run, why, and what it costs",
        "doctor": "whether everything that a long run needs is there",
        "status": "how far each run is",
        "accept": "say that results made by other code stand",
        "audit": "where results came from, and whether they are as they were made",
        "seal": "sign the list of all results and records",
        "crate": "pack results, with all that they rest on, for others",
    },
    "its steps, which snakemake runs and which work by hand": {
        "data": "get, check and prepare a data set",
        "train": "train one run: its trajectory and log",
        "discard": "remove a trajectory's points once its kernel exists",
        "study": "compute a result that has no trajectory",
        "claims": "judge the paper's claims from measures",
        "notebook": "run a notebook, which draws a figure",
    },
}
SUMMARIES = {name: summary for commands in COMMANDS.values() for name, summary in commands.items()}

# What only some commands import, by the extra of pyproject.toml that brings it, and what an extra is for.
EXTRAS = {
    "training": {"torch", "torchvision", "transformers", "sklearn", "PIL", "scipy", "curvlinops"},
    "workflow": {
        "snakemake",
        "snakemake_executor_plugin_slurm_jobstep",
        "snakemake_interface_common",
        "snakemake_executor_plugin_slurm",
        "grimp",
        "papermill",
        "jupyter_client",
        "nbclient",
        "nbformat",
        "traitlets",
        "packaging",
        "tabulate",
    },
    "crate": {"bagit", "rocrate"},
}
PURPOSES = {
    "training": "training and --device cuda need it",
    "workflow": "the workflow and its notebooks need it",
    "crate": "`hallmarks crate` needs it",
}


def main(argv: list[str] | None = None) -> int:
    """Run one command. Exit status: 0 done, 1 a failed check, 2 the caller's mistake."""
    name, *words = (sys.argv[1:] if argv is None else argv) or [""]
    if name in {"", "-h", "--help"}:
        print(usage(), file=sys.stdout if name else sys.stderr)
        return 0 if name else 2
    if name not in SUMMARIES:
        near = difflib.get_close_matches(name, SUMMARIES, n=1)
        advice = f"did you mean {near[0]}?" if near else "`hallmarks --help` lists them"
        print(f"hallmarks: there is no command {name}; {advice}", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser(prog=f"hallmarks {name}", description=SUMMARIES[name])
    # Looking for cycles after each 700 objects takes a sixth of the time that importing torch takes.
    gc.set_threshold(50_000)
    try:
        command = importlib.import_module(f"hallmarks.commands.{name}")
        command.configure(parser)
        status = run_and_record(name, command, parser.parse_args(words))
        sys.stdout.flush()
        return status
    except UserError as error:
        print(f"hallmarks {name}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        module = (error.name or "hallmarks").partition(".")[0]
        if module == "hallmarks" or module in sys.stdlib_module_names:
            raise
        print(f"hallmarks {name}: {missing(module)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"hallmarks {name}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever reads the output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def run_and_record(name: str, command: ModuleType, arguments: argparse.Namespace) -> int:
    """Run a command, and record what it made; where the workflow asked for it, say beside it by what."""
    from hallmarks.provenance.recording import recording

    with recording(name, arguments, results_written(name, arguments)) as attempt:
        path = getattr(arguments, "settings", None)
        settings = read_request(path) if isinstance(path, Path) else {}
        made = requested_identity(settings) if "identity" in settings else None

        def stamp() -> None:
            if made is not None:
                made.write(beside_output(arguments))

        status = command.run(arguments) or 0
        if attempt:
            attempt.ended(status, stamp)
        elif status == 0:
            stamp()
    return status


def results_written(name: str, arguments: argparse.Namespace) -> Path | None:
    """The folder of results into which a command writes; None where it writes elsewhere, or nothing."""
    from hallmarks.provenance.store import FOLDER, results_of

    path = getattr(arguments, "stem", None) or getattr(arguments, "output", None)
    if isinstance(path, Path):
        return results_of(path)
    if name != "accept":
        return None
    from hallmarks.planning.profile import open_profile

    results = open_profile(arguments.profile, arguments.configfile).results.folder
    return results if (results / FOLDER).is_dir() else None


def beside_output(arguments: argparse.Namespace) -> Path:
    """Where the identity of what was written lies: by hand, that need not be among the results."""
    stem = getattr(arguments, "stem", None) or arguments.output.with_suffix("")
    return stem.with_name(f"{stem.name}.identity.json")


def usage() -> str:
    """What `hallmarks --help` prints: the commands, by what one wants."""
    lines = [
        "usage: hallmarks COMMAND …",
        "",
        "Which way a neural network goes while it trains: maps, angles and spectra of your own checkpoints,",
        "and The Directionality of Optimization Trajectories in Neural Networks, a paper on it, reproduced.",
    ]
    width = max(map(len, SUMMARIES))
    for purpose, commands in COMMANDS.items():
        lines += ["", f"{purpose}:"]
        lines += [f"  {name:{width}}  {summary}" for name, summary in commands.items()]
    lines += [
        "",
        "`hallmarks COMMAND --help` tells what a command takes.",
        "Exit status: 0 done, 1 a failed check, 2 a mistake in the call, which one line names.",
    ]
    return "\n".join(lines)


def missing(module: str) -> str:
    """The line about a package that is not installed; `module` is its importable name."""
    for extra, modules in EXTRAS.items():
        if module in modules:
            return f"{module} is not installed; {PURPOSES[extra]}: pip install 'hallmarks[{extra}]'"
    return (
        f"{module} is not installed, though hallmarks depends on it: install hallmarks with its dependencies"
    )


if __name__ == "__main__":
    sys.exit(main())
