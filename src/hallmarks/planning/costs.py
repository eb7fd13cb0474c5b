"""What a run costs where nothing was measured yet: arithmetic from its network, and stated rates."""

import functools
from dataclasses import dataclass

from hallmarks.config.types import Data, Model, Task
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
def _network(name: str, width: int, channels: int, side: int, classes: int) -> Network:
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


def network(model: Model, data: Data) -> Network:
    """The size of a model on a data set, counted by PyTorch without computing."""
    side = SIDE[data.name] // data.pooling
    return _network(model.name, model.width, CHANNELS[data.name], side, CLASSES[data.name])


@dataclass(frozen=True)
class Cost:
    """A run's size on disk in bytes, and its training in images and FLOPs."""

    task: Task

    @property
    def network(self) -> Network:
        return network(self.task.model, self.task.data)

    @property
    def points(self) -> int:
        between = self.task.recipe.points
        every = between.every * (steps_per_epoch(self.task) if between.unit == "epochs" else 1)
        return 1 + -(-total_steps(self.task) // every)

    @property
    def trajectory_bytes(self) -> int:
        """float32."""
        return self.points * self.network.parameters * 4

    @property
    def kernel_bytes(self) -> int:
        """A float64 matrix a parameter tensor."""
        return self.network.tensors * self.points**2 * 8

    @property
    def state_bytes(self) -> int:
        """What a run in progress holds besides its trajectory: two states and one being written, each of
        weights and momentum."""
        return 3 * 2 * 4 * self.network.parameters

    @property
    def images(self) -> int:
        """Images trained on, repeats counted."""
        return total_steps(self.task) * self.task.recipe.batch_size

    @property
    def test_images(self) -> int:
        """Images tested on, after each epoch."""
        epochs = -(-total_steps(self.task) // steps_per_epoch(self.task))
        return epochs * (self.task.data.test_images or TEST_IMAGES[self.task.data.name])

    @property
    def flops(self) -> float:
        """Of training and testing; testing is the forward third."""
        return self.network.flops * (self.images + self.test_images / 3)

    def training_seconds(self, threads: int, gpu_flops: float | None) -> float:
        """Of the whole run, on a GPU that does `gpu_flops`, or on `threads` cores where that is None."""
        if gpu_flops is None:
            seconds = self.flops / (CORE_FLOPS * threads)
        else:
            seconds = max(self.flops / gpu_flops, STEP_SECONDS * total_steps(self.task))
        if self.task.data.name == "imagenet":
            seconds = max(seconds, (self.images + self.test_images) / (CORE_DECODES * threads))
        return START_SECONDS + seconds

    @property
    def kernel_seconds(self) -> float:
        return START_SECONDS / 10 + self.trajectory_bytes / KERNEL_BYTES
