"""What a run costs where nothing was measured yet: its origin's numbers, and stated rates."""

from typing import NamedTuple

from hallmarks.files import size
from hallmarks.planning.text import number
from hallmarks.runs.origin import Cost

# Training of ResNet50 on one GPU, images/s: NVIDIA DeepLearningExamples, PyTorch's resnet50v1.5, its tables.
PUBLISHED = {
    "float32": (367, "in float32 on one V100 16 GB"),
    "tf32": (938, "in TF32 on one A100 80 GB"),
    "bf16": (2470, "in mixed precision (float16, on an A100 as fast as bfloat16), one A100 80 GB"),
}
IMAGE_FLOPS = 24.3e9
CORE_FLOPS = 24e9
CORE_SOURCE = "24 GFLOP/s a core, measured with the laptop's networks on a 2-core virtual machine"
STEP_SECONDS = 5e-3
STEP_SOURCE = "at least 5 ms a step on a GPU, for starting some 500 kernels (a choice)"
CORE_DECODES = 300.0
DECODE_SOURCE = "300 JPEGs a second and core, read, cropped and flipped (benchmarks/reading.py: 300 to 344)"
KERNEL_BYTES = 0.5e9
KERNEL_SOURCE = "trajectories read at 0.5 GB/s (a choice: a shared file system under load)"
FETCHED_BYTES = 100e6
FETCHED_SOURCE = "published weights fetched at 100 MB/s (a choice: 800 Mbit/s)"
SECONDS = {
    "look_up": 30.0,
    "data": 120.0,
    "discard": 1.0,
    "measure": 3.0,
    "study": 10.0,
    "figure": 12.0,
    "table": 5.0,
}
SECONDS_SOURCE = "2 min a data set, 3 s a measure, 10 s a study, 12 s a figure, 5 s a table (as on a laptop)"
START_SECONDS, KERNEL_START = 10.0, 1.0
STATES = 3  # of a run in progress: two, and one being written
FLOAT32, FLOAT64 = 4, 8


def trajectory_bytes(cost: Cost) -> int:
    return cost.points * cost.parameters * FLOAT32


class Estimate(NamedTuple):
    """Seconds of a job: from so many `measured` runs, or by stated `rates`; then `bound` says, of a run that
    reads files, what bounds it."""

    seconds: float
    measured: int = 0
    rates: tuple[str, ...] = ()
    bound: str = ""


def fetching(cost: Cost) -> Estimate:
    """Of the kernel of a published trajectory: each byte is read once, and none is kept."""
    bound = (
        f"{number(cost.points, 'points')} of {size(cost.fetched / cost.points)}, {size(cost.fetched)} fetched"
    )
    return Estimate(START_SECONDS + cost.fetched / FETCHED_BYTES, 0, (FETCHED_SOURCE,), bound)


def gpu_rate(precision: str, given: float | None) -> tuple[float, str]:
    """What a GPU sustains in training, FLOP/s, as `given` or as published, and its source."""
    if given is not None:
        return given, f"{given / 1e12:g} TFLOP/s on a GPU, as given"
    images, where = PUBLISHED[precision]
    flops, table = images * IMAGE_FLOPS, "NVIDIA DeepLearningExamples, resnet50v1.5, performance table"
    result = f"24.3 GFLOP an image = {flops / 1e12:.1f} TFLOP/s"
    return flops, f"{images} images/s of ResNet50 {where} ({table}) × {result}"


def training(cost: Cost, threads: int, gpu: bool, given: float | None = None) -> Estimate:
    """Of the whole run, on a GPU (one that does `given` FLOP/s, or a published one) or on `threads` cores."""
    if gpu:
        flops, source = gpu_rate(cost.precision, given)
        seconds, rates = max(cost.flops / flops, STEP_SECONDS * cost.steps), (source, STEP_SOURCE)
    else:
        seconds, rates = cost.flops / (CORE_FLOPS * threads), (CORE_SOURCE,)
    if not cost.decoded:
        return Estimate(START_SECONDS + seconds, rates=rates)
    computed, read = cost.decoded / seconds, CORE_DECODES * threads
    least = "reading" if read < computed else "computing"
    there = f"a GPU computes {computed:,.0f}" if gpu else f"and compute {computed:,.0f}"
    bound = f"{least} bounds it: {number(threads, 'cores')} read {read:,.0f} images/s, {there}"
    return Estimate(START_SECONDS + cost.decoded / min(computed, read), 0, (*rates, DECODE_SOURCE), bound)
