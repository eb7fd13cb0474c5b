"""What a run costs where nothing was measured yet: its origin's numbers, and stated rates."""

from hallmarks.runs.origin import Cost

GPU_FLOPS = 22.8e12
GPU_SOURCE = (
    "938 images/s of ResNet50 in TF32 on one A100 80 GB (NVIDIA DeepLearningExamples, resnet50v1.5, "
    "performance table) × 24.3 GFLOP an image = 22.8 TFLOP/s"
)
CORE_FLOPS = 24e9
CORE_SOURCE = "24 GFLOP/s a core, measured with the laptop's networks on a 2-core virtual machine"
STEP_SECONDS = 5e-3
STEP_SOURCE = "at least 5 ms a step on a GPU, for starting some 500 kernels (a choice)"
CORE_DECODES = 300.0
DECODE_SOURCE = "300 JPEGs a second and core, read, cropped and flipped (344 measured of 500×375 pixels)"
KERNEL_BYTES = 0.5e9
KERNEL_SOURCE = "trajectories read at 0.5 GB/s (a choice: a shared file system under load)"
SECONDS = {"data": 120.0, "discard": 1.0, "measure": 3.0, "study": 10.0, "figure": 12.0, "table": 5.0}
SECONDS_SOURCE = "2 min a data set, 3 s a measure, 10 s a study, 12 s a figure, 5 s a table (as on a laptop)"
START_SECONDS = 10.0
STATES = 3  # of a run in progress: two, and one being written
FLOAT32, FLOAT64 = 4, 8


def trajectory_bytes(cost: Cost) -> int:
    return cost.points * cost.parameters * FLOAT32


def state_bytes(cost: Cost) -> int:
    return STATES * cost.state * FLOAT32


def kernel_bytes(cost: Cost) -> int:
    """A matrix of points × points for each parameter tensor."""
    return cost.tensors * cost.points**2 * FLOAT64


def kernel_seconds(cost: Cost) -> float:
    return START_SECONDS / 10 + trajectory_bytes(cost) / KERNEL_BYTES


def training_seconds(cost: Cost, threads: int, gpu_flops: float | None) -> tuple[float, tuple[str, ...]]:
    """Of the whole run, on a GPU that does `gpu_flops`, or on `threads` cores where that is None; and where
    the rates come from."""
    if gpu_flops is None:
        seconds, rates = cost.flops / (CORE_FLOPS * threads), (CORE_SOURCE,)
    else:
        given = f"{gpu_flops / 1e12:g} TFLOP/s on a GPU, as given"
        rates = GPU_SOURCE if gpu_flops == GPU_FLOPS else given, STEP_SOURCE
        seconds = max(cost.flops / gpu_flops, STEP_SECONDS * cost.steps)
    if cost.decoded:
        seconds, rates = max(seconds, cost.decoded / (CORE_DECODES * threads)), (*rates, DECODE_SOURCE)
    return START_SECONDS + seconds, rates
