"""Ours against the ordinary loop: the same model, batches and recipe, images/s and accuracy over seeds.

The ordinary loop is the one of tutorials: a data set that gives PIL images through torchvision's transforms
(as torchvision's FashionMNIST does), a DataLoader of 2 workers, the default memory layout; the optimizer is
ours, of any task of the configuration. Both train the same images, pooled beforehand. *Frozen* is ours where
only the scalars of normalisation train, as on a branch. Each run has a process of its own; they alternate, so
that the machine's moods fall on both.

    python benchmarks/training.py --data results/laptop/data/fashion-mnist
"""

import argparse
import itertools
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pandas
import torch
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.transforms import Compose, Normalize, RandomCrop, RandomHorizontalFlip, ToTensor

from hallmarks.config.load import load_configuration
from hallmarks.data.batches import load, moments, padding
from hallmarks.data.shape import ImageShape
from hallmarks.machine import cores
from hallmarks.models import initialised
from hallmarks.origins.trained import Settings
from hallmarks.runs.vary import vary
from hallmarks.training.kinds import parameter_kinds
from hallmarks.training.loop import Training, train
from hallmarks.training.setup import fresh, set_up
from hallmarks.training.start import Start
from hallmarks.training.timeline import Timeline
from hallmarks.training.trainer import Trainer

TASKS = [
    "resnet20-fashion-mnist",
    "vgg16-fashion-mnist",
    "resnet20-fashion-mnist-adamw",
    "resnet20-fashion-mnist-sam",
    "vit-fashion-mnist",
]
FROZEN = "ours, frozen but for normalisation"
SHORT_SPIN = "ordinary, its threads told to spin as briefly as ours"


class PilImages(torch.utils.data.Dataset):
    """Images as torchvision's FashionMNIST gives them: PIL, then the transform, one at a time."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor, transform: Compose):
        self.images, self.labels, self.transform = images[:, 0], labels, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int):
        image, label = self.images[index], int(self.labels[index])
        return self.transform(Image.fromarray(image.numpy())), label


def set_up_ordinary(task: Settings, data: Path, seed: int) -> tuple:
    """The model, its optimizer, and what it is trained and tested on."""
    torch.manual_seed(seed)
    dataset = load(task.data, data)
    mean, deviation = (moment.flatten().div(255).tolist() for moment in moments(dataset.train_images))
    plain = [ToTensor(), Normalize(mean, deviation)]
    size = dataset.train_images.shape[-1]
    model = initialised(task.model, ImageShape(dataset.train_images.shape[1], dataset.classes, size), seed)
    model = model.to(memory_format=torch.contiguous_format)  # PyTorch's default
    augmented = {"crop": RandomCrop(size, padding(size)), "flip": RandomHorizontalFlip()}
    transform = Compose([augmented[name] for name in task.data.augment] + plain)
    images = PilImages(dataset.train_images, dataset.train_labels, transform)
    test = PilImages(dataset.test_images, dataset.test_labels, Compose(plain))
    return model, task.recipe.optimizer.build(model.parameters()), images, test


def update(model: torch.nn.Module, optimizer, images: torch.Tensor, labels: torch.Tensor) -> None:
    """One step of the ordinary loop."""

    def closure() -> torch.Tensor:
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        return loss

    optimizer.step(closure)


def ordinary(task: Settings, data: Path, seed: int) -> tuple[float, float]:
    """Images/s of training, and the final test accuracy."""
    settings = task.recipe
    model, optimizer, training, test = set_up_ordinary(task, data, seed)
    batches = DataLoader(training, settings.batch_size, shuffle=True, num_workers=2, drop_last=True)
    timeline = Timeline(settings, len(batches))
    seconds, step = 0.0, 0
    for _ in range(settings.length):
        model.train()
        began = time.perf_counter()
        for images, labels in batches:
            for group in optimizer.param_groups:
                group["lr"] = timeline.learning_rate(step)
            update(model, optimizer, images, labels)
            step += 1
        seconds += time.perf_counter() - began
        model.eval()
        with torch.no_grad():
            counts = [
                (model(images).argmax(1) == labels).sum().item()
                for images, labels in DataLoader(test, 1000, num_workers=2)
            ]
    return step * settings.batch_size / seconds, sum(counts) / len(test)


def ours(name: str, task: Settings, data: Path, seed: int) -> tuple[float, float]:
    """The same of `hallmarks train`, which writes the points and states besides."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "train",
            f"{name}/default/seed{seed}",
            "--settings",
            json.dumps(task.resolved()),
            "--data",
            data,
        ]
        words += ["--scratch", f"{folder}/scratch", "-o", f"{folder}/run"]
        subprocess.run([sys.executable, "-m", "hallmarks.cli", *map(str, words)], check=True)
        log = pandas.read_csv(f"{folder}/run/log.csv")
    images = log["step"].iloc[-1] * task.recipe.batch_size
    return images / log["seconds"].sum(), log["test_accuracy"].iloc[-1]


def set_up_frozen(task: Settings, data: Path, seed: int) -> Training:
    """Ours, where only the scalars of normalisation train, from the initialisation on."""
    start, batches = fresh(task, data, seed, torch.device("cpu"))
    names = frozenset(name for name, kind in parameter_kinds(start.model).items() if kind == "norm")
    return set_up(task.recipe, Start(start.model, names), batches)


def frozen(task: Settings, data: Path, seed: int) -> tuple[float, float]:
    """The same of ours where only the scalars of normalisation train."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer("frozen", set_up_frozen(task, data, seed), Path(folder))
        trainer.train()
    rows = trainer.log.rows
    seconds = sum(row["seconds"] for row in rows)
    return rows[-1]["step"] * task.recipe.batch_size / seconds, rows[-1]["test_accuracy"]


def costs(task: Settings, data: Path, steps: int) -> dict[str, float]:
    """What `steps` steps of each loop cost, on one thread and without workers."""
    torch.set_num_threads(1)
    mine = set_up(task.recipe, *fresh(task, data, 0, torch.device("cpu")))
    found = {}
    for loop, training in {"ours": mine, FROZEN: set_up_frozen(task, data, 0)}.items():
        done = replace(training.timeline, until=steps)
        times = [time.thread_time()]
        train(replace(training, timeline=done), 0, lambda step, times=times: times.append(time.thread_time()))
        found[loop] = median_of(times)
    model, optimizer, images, _ = set_up_ordinary(task, data, 0)
    times = [time.thread_time()]
    for batch in itertools.islice(DataLoader(images, task.recipe.batch_size, shuffle=True), steps):
        update(model, optimizer, *batch)
        times.append(time.thread_time())
    return found | {"ordinary": median_of(times)}


def median_of(times: list[float]) -> float:
    """Milliseconds between two times, the median."""
    return 1e3 * statistics.median(after - before for before, after in itertools.pairwise(times))


def shortened(task: Settings, epochs: int | None) -> Settings:
    """The task, of so many epochs with drops at their thirds if `epochs` is given."""
    if epochs is None:
        return task
    drops = [epochs // 3, 2 * epochs // 3]
    return vary(task, {"length": epochs, "at": drops}, "--epochs")[1]


BRIEF = {"GOMP_SPINCOUNT": "20000"}
LOOPS = {FROZEN: (frozen, BRIEF), "ordinary": (ordinary, {}), SHORT_SPIN: (ordinary, BRIEF)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="what `hallmarks data fashion-mnist` made")
    parser.add_argument("--tasks", nargs="+", default=TASKS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="at least 3; instead of the task's")
    parser.add_argument(
        "--steps", type=int, help="only so many steps of each loop: their cost, whatever else runs"
    )
    arguments = parser.parse_args()
    config = load_configuration([Path("config.yaml"), Path("config/laptop.yaml")])
    print(f"{platform.machine()}, {cores()} cores, PyTorch {torch.__version__}\n")
    if arguments.steps:
        print("| task | CPU ms a step: ours | frozen | ordinary | ordinary / ours |\n|---|---|---|---|---|")
        for name in arguments.tasks:
            found = costs(config.tasks[name], arguments.data, arguments.steps)
            times = " | ".join(f"{value:.1f}" for value in found.values())
            print(f"| {name} | {times} | {found['ordinary'] / found['ours']:.2f}× |", flush=True)
        return
    print("| task | loop | images/s | test accuracy, mean ± sd | ours / this |\n|---|---|---|---|---|")
    for name in arguments.tasks:
        task = shortened(config.tasks[name], arguments.epochs)
        results: dict[str, list[tuple[float, float]]] = {"ours": []}
        for seed in range(arguments.seeds):
            results["ours"].append(ours(name, task, arguments.data, seed))
            for loop, (made_by, environment) in LOOPS.items():
                with (
                    mock.patch.dict(os.environ, environment),
                    ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process,
                ):
                    made = process.submit(made_by, task, arguments.data, seed).result()
                    results.setdefault(loop, []).append(made)
        speeds = {loop: statistics.median(speed for speed, _ in runs) for loop, runs in results.items()}
        for loop, runs in results.items():
            accuracies = [accuracy for _, accuracy in runs]
            spread = statistics.stdev(accuracies) if len(accuracies) > 1 else float("nan")
            ratio = f"{speeds['ours'] / speeds[loop]:.2f}×"
            accuracy = f"{statistics.mean(accuracies):.1%} ± {spread:.1%}"
            print(f"| {name} | {loop} | {speeds[loop]:,.0f} | {accuracy} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
