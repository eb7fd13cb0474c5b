"""`hallmarks train RUN --settings JSON --data FOLDER --scratch FOLDER -o FOLDER`: one run's trajectory.

Exit status 75 after SIGTERM: the state is saved, and the same command goes on from it.
"""

import argparse
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import yaml
from pydantic import ValidationError

from hallmarks.config.types import Task
from hallmarks.errors import UserError
from hallmarks.lease import Lease

RUN_NAME = re.compile(r"[a-z0-9][a-z0-9-]*/[a-z][a-z0-9=._+-]*/seed(\d+)")
TRY_AGAIN = 75  # EX_TEMPFAIL


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the run's name: <task>/<variation>/seed<k>")
    parser.add_argument(
        "--settings", metavar="JSON", required=True, help="data, model and recipe, as a task of the config"
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder that `hallmarks data` made")
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
    seed, settings = seed_of(arguments.run), settings_of(arguments.settings)
    folder = arguments.scratch / arguments.run
    lease = Lease(folder)
    if not lease.take(stop=lambda: bool(stopped)):
        return TRY_AGAIN
    try:
        return train(arguments, seed, settings, folder, lambda: lease.check() or bool(stopped))
    finally:
        lease.release()


def train(
    arguments: argparse.Namespace, seed: int, settings: Task, folder: Path, stop: Callable[[], bool]
) -> int:
    if "OMP_WAIT_POLICY" not in os.environ:
        # A thread that spins while it waits takes a shared core from the one it waits for.
        os.environ.setdefault("GOMP_SPINCOUNT", "20000")

    import torch

    from hallmarks.data.batches import open_batches
    from hallmarks.data.datasets import describe, load
    from hallmarks.files import move_into_place, write
    from hallmarks.models import build
    from hallmarks.training import Diverged, Interrupted, Trainer, finished
    from hallmarks.training.digest import code_digest, run_digest

    if arguments.threads or "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(arguments.threads or len(os.sched_getaffinity(0)))
    device = device_of(arguments.device)
    resolved = {"run": arguments.run, **settings.model_dump(exclude={"choices"})}
    digest = run_digest(resolved, describe(arguments.data)["sha256"])
    record = arguments.scratch / "finished" / f"{arguments.run}.json"
    if finished.restored(record, digest, arguments.output):
        print(f"{arguments.run}: finished before, nothing is trained", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        return 0

    dataset = load(settings.data, arguments.data)
    batches = open_batches(dataset, settings.data, settings.recipe.batch_size, seed, device)
    images, _ = batches.batch(0, 0)
    model = build(settings.model, images.shape[1], dataset.classes, seed, size=images.shape[-1]).to(device)
    size = sum(p.numel() for p in model.parameters())
    print(
        f"{arguments.run}: {size:,} parameters on {device}, {torch.get_num_threads()} threads, "
        f"PyTorch {torch.__version__}, code {code_digest()[:12]}",
        file=sys.stderr,
        flush=True,
    )

    trainer = Trainer(arguments.run, settings.recipe, model, batches, folder, digest)
    try:
        trainer.train(stop)
    except Interrupted as interruption:
        print(f"{interruption}; the same command goes on from there", file=sys.stderr)
        return TRY_AGAIN
    except Diverged as divergence:
        print(f"hallmarks train: {divergence}", file=sys.stderr)
        if not arguments.record_divergence:
            return 1
    write(trainer.output / "settings.yaml", yaml.safe_dump(resolved, sort_keys=False).encode())
    trainer.writer.finish()
    finished.record(record, digest, trainer.output)
    move_into_place(trainer.output, arguments.output)
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def seed_of(run: str) -> int:
    match = RUN_NAME.fullmatch(run)
    if match is None:
        raise UserError(f"{run}: not a run's name, which is <task>/<variation>/seed<k>")
    return int(match[1])


def settings_of(text: str) -> Task:
    try:
        return Task.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(["--settings", *map(str, first["loc"])])
        raise UserError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None


def device_of(name: str | None):
    import torch

    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise UserError(f"--device {name}: not a device of this machine; cpu always is") from None
    return device
