"""`hallmarks train RUN --settings FILE --data FOLDER --scratch FOLDER -o FOLDER`: one run's trajectory.

Exit status 75 after SIGTERM: the state is saved, and the same command goes on from it.
"""

import argparse
import os
import re
import signal
import sys
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from hallmarks.config.load import explain
from hallmarks.config.types import TASKS
from hallmarks.errors import Interrupted, UserError
from hallmarks.machine import cores
from hallmarks.runs.origin import Making, Origin
from hallmarks.runs.request import parse_request
from hallmarks.training.lease import Lease

RUN_NAME = re.compile(r"[a-z0-9][a-z0-9-]*/[a-z][A-Za-z0-9=._+-]*/seed(\d+)")
TRY_AGAIN = 75  # EX_TEMPFAIL


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's name: <task>/<variation>/seed<k>")
    parser.add_argument(
        "--settings",
        metavar="FILE",
        required=True,
        help="a task of the configuration as JSON, or the JSON itself",
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="the folder that `hallmarks data` made, or one that holds it by the set's name",
    )
    parser.add_argument(
        "--parent", type=Path, help="of a branch, the folder of the finished run that it goes on from"
    )
    parser.add_argument("--scratch", type=Path, required=True, help="where the resumable state lives")
    parser.add_argument("-o", "--output", type=Path, required=True, help="where the finished run is moved")
    parser.add_argument("--device", help="cpu, cuda, …; by default a GPU where there is one")
    parser.add_argument("--threads", type=int, help="by default OMP_NUM_THREADS, else every core")
    parser.add_argument(
        "--record-divergence",
        action="store_true",
        help="a loss that is not finite is a result: keep the points before it, and end with status 0",
    )


def run(arguments: argparse.Namespace) -> int:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    seed, request = seed_of(arguments.run), parse_request(arguments.settings)
    lease = Lease(arguments.scratch / arguments.run)
    if not lease.take(stop=lambda: bool(stopped)):
        return TRY_AGAIN
    try:
        # Only now: this imports code, which may be edited while another job holds the lease, and the run's
        # identity says what is there now.
        settings = settings_of(request.get("settings", request))
        return make(arguments, seed, settings, request, lambda: lease.check() or bool(stopped))
    finally:
        lease.release()


def make(
    arguments: argparse.Namespace, seed: int, settings: Origin, request: dict[str, Any], stop: Any
) -> int:
    from hallmarks.data.prepared import folder_of
    from hallmarks.training.attempt import Attempt

    folders = {name: folder_of(arguments.data, name) for name in settings.data_sets()}
    parent = arguments.parent or (Path(request["parent"]) if "parent" in request else None)
    attempt = Attempt(arguments.run, settings, seed, folders, arguments.scratch, arguments.output, parent)
    if attempt.finished_before(request.get("again", "")):
        print(f"{arguments.run}: finished before, nothing is trained", file=sys.stderr)
        return 0
    device = cache(partial(device_of, arguments.device, arguments.threads))
    data = next(iter(folders.values()), None)
    making = Making(arguments.run, seed, data, attempt.folder, device, stop, tuple(request.get("keep", ())))
    try:
        diverged = settings.make(replace(making, parent=parent, scratch=arguments.scratch))
    except Interrupted as interruption:
        print(f"{interruption}; the same command goes on from there", file=sys.stderr)
        return TRY_AGAIN
    except UserError:
        attempt.refused()
        raise
    if diverged and not arguments.record_divergence:
        return 1
    attempt.finish(request.get("again", ""))
    return 0


def seed_of(run: str) -> int:
    match = RUN_NAME.fullmatch(run)
    if match is None:
        raise UserError(f"{run}: not a run's name, which is <task>/<variation>/seed<k>")
    return int(match[1])


def settings_of(content: Any) -> Origin:
    try:
        settings = TASKS.validate(content)
    except ValueError as error:
        raise UserError(f"--settings: {explain(error)}") from None
    try:
        settings.check()
    except UserError as error:
        raise UserError(f"--settings: {error}") from None
    return settings


def device_of(name: str | None, threads: int | None) -> Any:
    """The torch device, and so many threads for it. Raises UserError for a device that is not here."""
    if "OMP_WAIT_POLICY" not in os.environ:
        # A thread that spins while it waits takes a shared core from the one it waits for.
        os.environ.setdefault("GOMP_SPINCOUNT", "20000")

    import torch

    if threads or "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(threads or cores())
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise UserError(f"--device {name}: not a device of this machine; cpu always is") from None
    print(f"{torch.get_num_threads()} threads, PyTorch {torch.__version__}", file=sys.stderr, flush=True)
    return device
