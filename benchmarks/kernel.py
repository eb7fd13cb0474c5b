"""The kernel against reading alone and against the usual ways, on ResNet50's shapes.

Generates its checkpoints (9.3 GB for 91 points) in --folder, prints a Markdown table, removes them. Where
OPENBLAS_CORETYPE forces an older processor's BLAS, unset it: the products are what a warm pass waits for.
"""

import argparse
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file
from threadpoolctl import threadpool_info, threadpool_limits
from torch import nn
from torchvision.models import resnet50

from hallmarks.kernel.gram import increments_gram, segment_size
from hallmarks.kernel.groups import groups
from hallmarks.kernel.products import summed
from hallmarks.machine import cores
from hallmarks.measures import Kernel, angles
from hallmarks.trajectory.blocks import Reader
from hallmarks.trajectory.checkpoints import find_checkpoints
from hallmarks.trajectory.segments import segments


def shapes(times: int) -> dict[str, tuple[int, ...]]:
    """ResNet50's parameters, `times` over."""
    with torch.device("meta"):
        model: nn.Module = resnet50()
    return {f"{copy}.{name}": tuple(p.shape) for copy in range(times) for name, p in model.named_parameters()}


def generate(folder: Path, n: int, times: int, update: float) -> Path:
    """n float32 points: a walk with momentum whose updates are about `update` of the norm, 37° apart."""
    generator = np.random.default_rng(0)
    sizes = {name: math.prod(shape) for name, shape in shapes(times).items()}
    flat = generator.standard_normal(sum(sizes.values()), dtype=np.float32)
    velocity = update * generator.standard_normal(len(flat), dtype=np.float32)
    folder.mkdir(parents=True)
    for t in range(n):
        if t:
            velocity *= 0.8
            velocity += 0.6 * update * generator.standard_normal(len(flat), dtype=np.float32)
            flat += velocity
        edges = np.cumsum([0, *sizes.values()])
        tensors = {
            name: flat[begin:end].reshape(shape)
            for (name, shape), begin, end in zip(shapes(times).items(), edges, edges[1:], strict=False)
        }
        save_file(tensors, folder / f"step{t}.safetensors")
    os.sync()
    return folder


def evict(folder: Path) -> None:
    """Drop the files from the cache."""
    for path in folder.iterdir():
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_only(folder: Path) -> None:
    """The kernel's reads, by as many threads, into one row that stays in cache: nothing is computed."""
    found, workers = find_checkpoints([folder]), cores()
    size = segment_size(len(found.points), np.dtype(np.float64), workers)
    with Reader(found.points) as reader, ThreadPoolExecutor(workers) as pool:

        def work(segment) -> None:
            row, scratch = np.empty(size, np.float32), np.empty(8 * size, np.uint8)
            for index, stretches in enumerate(reader.stretches(segment)):
                reader.row(index, stretches, row, scratch)

        list(pool.map(work, segments(groups(found).pieces, size)))


def multiply_only(folder: Path) -> None:
    """The kernel's products, by as many threads, over and over of the same rows: nothing is read."""
    found, workers = find_checkpoints([folder]), cores()
    n = len(found.points)
    size = segment_size(n, np.dtype(np.float64), workers)
    values = np.random.default_rng(0).standard_normal(n * size)
    pieces = [piece for part in segments(groups(found).pieces, size) for piece in part]
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda piece: summed(values[: n * piece.count].reshape(n, -1), 0), pieces))


def read_sequentially(folder: Path) -> None:
    """One file after the other, 1 MiB at a time."""
    buffer = memoryview(bytearray(2**20))
    for path in sorted(folder.iterdir()):
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def kernel(folder: Path, precision: str = "float64") -> np.ndarray:
    found = find_checkpoints([folder])
    return increments_gram(found, groups(found), precision)


def stacked(paths: list[Path], dtype: torch.dtype) -> torch.Tensor:
    """What is usually written: all points flattened, stacked, multiplied with themselves."""
    points = torch.stack([torch.cat([t.flatten() for t in load_file(path).values()]) for path in paths])
    points = points.to(dtype)
    return points @ points.T


def pair(one: Path, other: Path) -> float:
    """A cosine of two checkpoints, as a loop over pairs computes it."""
    left, right = (torch.cat([t.flatten() for t in load_file(path).values()]) for path in (one, other))
    return float(nn.functional.cosine_similarity(left, right, dim=0))


def seconds(
    repeats: int, *works: Callable[[], object], before: Callable[[], object] = lambda: None
) -> np.ndarray:
    """Each work's timings, [works, repeats]; they alternate, so that the machine's moods fall on all."""
    timings = np.empty((len(works), repeats))
    for repeat in range(repeats):
        for index, work in enumerate(works):
            before()
            start = time.perf_counter()
            work()
            timings[index, repeat] = time.perf_counter() - start
    return timings


def rate(size: int, timings: np.ndarray) -> str:
    """GB/s, by the median."""
    return f"{size / np.median(timings) / 1e9:.2f} GB/s"


def ratio(one: np.ndarray, other: np.ndarray) -> str:
    """How much longer `one` took, by the median of pairs, and the least and most."""
    ratios = one / other
    return f"{np.median(ratios):.2f}× ({ratios.min():.2f} … {ratios.max():.2f})"


def peak(folder: Path, output: Path) -> float:
    """GB resident at most in `hallmarks kernel`, as the process reports it itself."""
    program = (
        "import sys; from hallmarks.cli import main; code = main(sys.argv[1:]);"
        "print(next(l for l in open('/proc/self/status') if l.startswith('VmHWM'))); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "kernel", str(folder), "-o", str(output)],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(re.search(r"VmHWM:\s+(\d+) kB", done.stdout).group(1)) * 1024 / 1e9


def worst_angles(folder: Path) -> list[float]:
    """The worst relative error of the angle between updates of the whole model, against dense float64: by the
    kernel in float32 and in float64, and by differences of a product of stacked points in either."""
    found = find_checkpoints([folder])
    parts = groups(found)
    points = [load_file(point.path) for point in found.points]
    rows = np.stack(
        [np.concatenate([p[name].double().numpy().ravel() for name in sorted(p)]) for p in points]
    )
    rows = np.diff(rows, axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    expected = np.degrees(np.arccos((rows[1:] * rows[:-1]).sum(axis=1)))
    steps = np.arange(len(points))
    paths = [point.path for point in found.points]
    difference = np.diff(np.eye(len(points)), axis=0, prepend=0)
    errors = []
    for precision in ("float32", "float64"):
        gram = increments_gram(found, parts, precision)
        product = stacked(paths, getattr(torch, precision)).double().numpy()
        of_product = (difference @ product @ difference.T)[None]
        for each, names, numel in (
            (gram, parts.names, parts.numel),
            (of_product, ["model"], [parts.numel.sum()]),
        ):
            _, got = angles(Kernel(each, names, np.array(numel), steps, steps))["angle_updates"]
            errors.append(float(np.abs(got / expected - 1).max()))
    return errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=91)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kernel-benchmark-", dir=arguments.folder))
    rows: list[tuple[str, str]] = []
    try:
        points = generate(folder / "points", arguments.points, 1, 1e-3)
        size = sum(path.stat().st_size for path in points.iterdir())
        read_sequentially(points)
        reading, multiplying, ours, narrow = seconds(
            arguments.repeats,
            lambda: read_only(points),
            lambda: multiply_only(points),
            lambda: kernel(points),
            lambda: kernel(points, "float32"),
        )
        rows += [
            ("reading alone, same pattern, warm", rate(size, reading)),
            ("multiplying alone", rate(size, multiplying)),
            ("kernel, warm", rate(size, ours)),
            ("… against reading alone", ratio(reading, ours)),
            ("… against reading, then multiplying", ratio(reading + multiplying, ours)),
            ("kernel, warm, --precision float32", rate(size, narrow)),
        ]
        reading, cold = seconds(
            arguments.repeats,
            lambda: read_sequentially(points),
            lambda: kernel(points),
            before=lambda: evict(points),
        )
        rows += [
            ("reading alone, in sequence, cold", rate(size, reading)),
            ("kernel, cold", rate(size, cold)),
            ("… against reading alone", ratio(reading, cold)),
            ("two runs, same bits", str((kernel(points) == kernel(points)).all())),
            ("peak resident memory", f"{peak(points, folder / 'k.npz'):.2f} GB"),
        ]
        paths = sorted(points.iterdir())
        one, ours = seconds(arguments.repeats, lambda: pair(*paths[:2]), lambda: kernel(points))
        pairs = one * len(paths) * (len(paths) + 1) / 2
        rows += [
            ("loop over pairs (one timed, times all)", f"{np.median(pairs):.0f} s"),
            ("… against the kernel", ratio(pairs, ours)),
        ]
        few = folder / "few"
        for count in (32, 16, 8):
            shutil.rmtree(few, ignore_errors=True)
            few.mkdir()
            for t in range(count):
                os.link(points / f"step{t}.safetensors", few / f"step{t}.safetensors")
            for dtype in (torch.float32, torch.float64):
                usual, ours = seconds(
                    arguments.repeats,
                    lambda dtype=dtype: stacked(sorted(few.iterdir()), dtype),
                    lambda: kernel(few),
                )
                what = f"torch.stack and product, {str(dtype).removeprefix('torch.')}, {count} points"
                rows += [(what, f"{np.median(usual):.1f} s"), ("… against the kernel", ratio(usual, ours))]
        shutil.rmtree(points)
        rows += [
            ("peak memory, 8 points", f"{peak(few, folder / 'k.npz'):.4f} GB"),
        ]
        shutil.rmtree(few)
        large = generate(folder / "large", 8, 4, 1e-3)
        rows.append(("… with 4× the parameters", f"{peak(large, folder / 'k.npz'):.4f} GB"))
        shutil.rmtree(large)
        for update in (1e-1, 1e-3, 1e-5):
            walk = generate(folder / "walk", 8, 1, update)
            ours_32, stack_32, ours_64, stack_64 = worst_angles(walk)
            rows += [
                (
                    f"worst angle error, updates {update:g}",
                    f"{ours_32:.0e} (float32), {ours_64:.0e} (float64)",
                ),
                ("… of torch.stack and product", f"{stack_32:.0e} (float32), {stack_64:.0e} (float64)"),
            ]
            shutil.rmtree(walk)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    load = os.getloadavg()[2]
    blas = ", ".join(sorted({pool["architecture"] for pool in threadpool_info() if "architecture" in pool}))
    print(
        f"{model.group(1) if model else platform.machine()}, {cores()} cores, "
        f"mean load {load:.1f}, BLAS for {blas}, {time.strftime('%F')}\n"
    )
    print("| what | measured |\n|---|---|")
    for what, measured in rows:
        print(f"| {what} | {measured} |")


if __name__ == "__main__":
    main()
