"""Images/s of reading alone: JPEG files of ImageNet's size, made of scikit-learn's two photographs.

Each file is another cut of a photograph, 500×375 pixels, at the JPEG quality that gives 95 kB.
What a worker does, and its parts, are timed in CPU seconds of this process, whatever runs beside it.

    python benchmarks/reading.py
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images
from torchvision.datasets.folder import default_loader
from torchvision.transforms import PILToTensor, RandomHorizontalFlip, RandomResizedCrop

from hallmarks.data.folders import SIZE, FolderBatches, ImageFiles, collate, load
from hallmarks.data.prepare import prepare
from hallmarks.data.sets.imagenet import Expected, Settings
from hallmarks.machine import cores

WIDTH, HEIGHT, QUALITY = 500, 375, 97


def make(folder: Path, train: int, test: int) -> float:
    """A tree of two classes of so many images each; the mean kB of a file."""
    random, sizes = np.random.default_rng(0), []
    for label, photograph in enumerate(load_sample_images().images):
        whole = Image.fromarray(photograph)
        for split, number in ("train", train), ("val", test):
            (folder / split / str(label)).mkdir(parents=True)
            for index in range(number):
                scale = random.uniform(1.0, 1.3)
                large = whole.resize((round(whole.width * scale), round(whole.height * scale)))
                x, y = random.integers(large.width - WIDTH + 1), random.integers(large.height - HEIGHT + 1)
                path = folder / split / str(label) / f"{index:04d}.jpg"
                large.crop((x, y, x + WIDTH, y + HEIGHT)).save(path, quality=QUALITY)
                sizes.append(path.stat().st_size)
    return float(np.mean(sizes)) / 1e3


def rate(work: Callable[[], int], repeats: int) -> float:
    """Images a CPU second, the median of `repeats`; `work` says how many it read."""

    def once() -> float:
        began = time.process_time()
        return work() / (time.process_time() - began)

    return median(once() for _ in range(repeats))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=128, help="of training, in all")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    number = arguments.images // 2
    with tempfile.TemporaryDirectory() as temporary:
        tree, prepared = Path(temporary) / "tree", Path(temporary) / "imagenet"
        size = make(tree, number, number // 2)
        prepare("imagenet", tree, prepared, expected=Expected(2, 2 * number, number // 2 * 2))
        settings = Settings(augment=["crop", "flip"])
        batches = FolderBatches(load(settings, prepared), settings, 2 * number, 0, "cpu", workers=0)
        files = sorted((tree / "train").rglob("*.jpg"))
        images = [default_loader(path) for path in files]
        crop, flip, tensor = RandomResizedCrop(SIZE), RandomHorizontalFlip(), PILToTensor()

        def worked(of: ImageFiles, epoch: int) -> int:
            return len(collate(of.__getitems__([(epoch, index) for index in range(len(of.files))]))[1])

        def count(items: object) -> int:
            return len(list(items))

        epochs = iter(range(10**6))
        measured = {
            "a worker on training images": lambda: worked(batches.train_files, next(epochs)),
            "a worker on test images": lambda: worked(batches.test_files, 0),
            "reading and decoding alone": lambda: count(map(default_loader, files)),
            "random crop, resized to 224×224, flipped, as a tensor": lambda: count(
                tensor(flip(crop(image))) for image in images
            ),
        }
        print(f"{platform.machine()}, {cores()} cores; files of {size:.0f} kB, {WIDTH}×{HEIGHT}\n")
        print("| what | images a second and core |\n|---|---|")
        for what, work in measured.items():
            print(f"| {what} | {rate(work, arguments.repeats):.0f} |", flush=True)


if __name__ == "__main__":
    main()
