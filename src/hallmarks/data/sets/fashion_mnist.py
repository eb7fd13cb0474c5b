"""Fashion-MNIST from any of four places, with the same SHA-256 required of each."""

import gzip
import hashlib
import socket
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from hallmarks.data.contents import Contents, image_arrays
from hallmarks.data.images import ImageFacts, Images
from hallmarks.errors import UserError

PACKAGE = "dataset-fashion-mnist"
PACKAGE_FOLDER = Path("/usr/share/datasets/fashion-mnist")
TIMEOUT = 300  # seconds for a download

# SHA-256 of the decoded files: Debian compresses them anew, so that the .gz files differ.
SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag"]
CLASSES += ["Ankle boot"]


class Settings(Images):
    """The data set, and what makes it smaller for small runs."""

    facts = ImageFacts(train=60_000, test=10_000, channels=1, side=28, classes=10)
    name: Literal["fashion-mnist"] = "fashion-mnist"


def read(source: Path | None) -> Contents:
    """From the configured folder, else from the first of the other ways that works. Raises UserError."""
    if source is not None:
        return read_folder(source, str(source))
    failures = []
    for way, fetch in WAYS.items():
        with tempfile.TemporaryDirectory(prefix="hallmarks-data-") as scratch:
            try:
                return read_folder(fetch(Path(scratch)), way)
            except (UserError, OSError) as error:
                failures.append(f"{way} ({error})")
    raise UserError(
        "fashion-mnist: found in none of four ways: a folder that holds its idx .gz files "
        f"(--source FOLDER; none given), {', '.join(failures)}"
    )


def read_folder(folder: Path, origin: str) -> Contents:
    """From a folder that holds the four idx files, as .gz or decoded. Raises UserError."""
    if not folder.is_dir():
        raise UserError(
            f"{folder}: not a folder; it should hold {', '.join(f'{name}.gz' for name in SHA256)}"
        )
    train_images, train_labels, test_images, test_labels = (idx(folder, name) for name in SHA256)
    return image_arrays(
        train_images[:, None],
        train_labels.astype(np.int64),
        test_images[:, None],
        test_labels.astype(np.int64),
        CLASSES,
        origin,
    )


def idx(folder: Path, name: str) -> np.ndarray:
    """One idx file as a uint8 array of the shape that its header states, after its digest is checked."""
    path = folder / f"{name}.gz"
    if not path.exists() and (folder / name).exists():
        path = folder / name
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: truncated or not gzip ({error}); get it again") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256[name]:
        raise UserError(f"{path}: altered: SHA-256 {digest[:12]}…, not {SHA256[name][:12]}…; get it again")
    dimensions = content[3]
    shape = np.frombuffer(content, ">i4", dimensions, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def installed_package(scratch: Path) -> Path:
    """Where Debian's package puts the files."""
    return PACKAGE_FOLDER


def downloaded_package(scratch: Path) -> Path:
    """Debian's package, downloaded and unpacked into `scratch`; needs no root."""
    call(["apt-get", "download", "-qq", PACKAGE], scratch)
    call(["dpkg-deb", "-x", *map(str, scratch.glob("*.deb")), "."], scratch)
    return scratch / PACKAGE_FOLDER.relative_to("/")


def torchvision(scratch: Path) -> Path:
    """torchvision's own source, downloaded into `scratch`."""
    from torchvision.datasets import FashionMNIST

    waited = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        FashionMNIST(str(scratch), download=True)
    except (OSError, RuntimeError) as error:
        raise UserError(f"not downloaded: {' '.join(str(error).split())}") from None
    finally:
        socket.setdefaulttimeout(waited)
    return scratch / "FashionMNIST" / "raw"


def call(command: list[str], folder: Path) -> None:
    """Run a command in `folder`. Raises UserError with the last line that it said."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"{command[0]}: {getattr(error, 'strerror', None) or error}") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise UserError(f"{command[0]}: {said[-1]}")


WAYS: dict[str, Callable[[Path], Path]] = {
    f"Debian's package {PACKAGE}, installed": installed_package,
    f"apt-get download {PACKAGE}": downloaded_package,
    "torchvision's own source": torchvision,
}
