"""What a run costs where nothing was measured yet: arithmetic from its network, and stated rates."""

import functools
import math
from dataclasses import dataclass

from hallmarks.config.types import Task
from hallmarks.runs.expand import SIDE, TEST_IMAGES, steps_per_epoch, total_steps

CHANNELS = {"digits": 1, "fashion-mnist": 1, "cifar10": 3, "imagenet": 3}
CLASSES = {"digits": 10, "fashion-mnist": 10, "cifar10": 10, "imagenet": 1000}

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
SECONDS = {"data": 120.0, "discard": 1.0, "measure": 3.0, "figure": 12.0, "claims": 5.0}
SECONDS_SOURCE = "2 min a data set, 3 s a measure, 12 s a figure, 5 s the claims (seen at laptop scale)"
START_SECONDS = 10.0


@dataclass(frozen=True)
class Network:
    """Parameters, parameter tensors, and FLOPs of an image, forward and backward (a multiply-add is 2)."""

    parameters: int
    tensors: int
    flops: float


@functools.cache
def network(name: str, width: int, channels: int, side: int, classes: int) -> Network:
    """The size of a model, counted by PyTorch without computing."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from hallmarks.models.registry import MODELS

    with torch.device("meta"):  # shapes only
        model = MODELS[name](channels, classes, width, side)
        images = torch.empty(2, channels, side, side)
    with FlopCounterMode(display=False) as counter:
        model(images).sum().backward()
    sizes = [parameter.numel() for parameter in model.parameters()]
    return Network(sum(sizes), len(sizes), counter.get_total_flops() / len(images))


class Cost:
    """A run's points, its size on disk in bytes, and its training in images and FLOPs, repeats counted."""

    def __init__(self, task: Task):
        data, recipe, steps, an_epoch = task.data, task.recipe, total_steps(task), steps_per_epoch(task)
        sizes = CHANNELS[data.name], SIDE[data.name] // data.pooling, CLASSES[data.name]
        self.task, self.steps = task, steps
        self.network = network(task.model.name, task.model.width, *sizes)
        every = recipe.points.every * (an_epoch if recipe.points.unit == "epochs" else 1)
        self.points = 1 + math.ceil(steps / every)
        self.trajectory_bytes = self.points * self.network.parameters * 4  # float32
        self.kernel_bytes = self.network.tensors * self.points**2 * 8  # a float64 matrix a parameter tensor
        # While a run is in progress: two states and one being written, each of weights and momentum.
        self.state_bytes = 3 * 2 * 4 * self.network.parameters
        self.images = steps * recipe.batch_size
        tested = math.ceil(steps / an_epoch) * (data.test_images or TEST_IMAGES[data.name])  # each epoch
        self.decoded = self.images + tested
        self.flops = self.network.flops * (self.images + tested / 3)  # testing is the forward third

    def training_seconds(self, threads: int, gpu_flops: float | None) -> float:
        """Of the whole run, on a GPU that does `gpu_flops`, or on `threads` cores where that is None."""
        if gpu_flops is None:
            seconds = self.flops / (CORE_FLOPS * threads)
        else:
            seconds = max(self.flops / gpu_flops, STEP_SECONDS * self.steps)
        if self.task.data.name == "imagenet":
            seconds = max(seconds, self.decoded / (CORE_DECODES * threads))
        return START_SECONDS + seconds

    @property
    def kernel_seconds(self) -> float:
        return START_SECONDS / 10 + self.trajectory_bytes / KERNEL_BYTES
