"""CIFAR-10 in torchvision's format, its MD5 sums checked before anything is unpickled."""

import hashlib
import pickle
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from hallmarks.data.contents import Contents, image_arrays
from hallmarks.data.images import ImageFacts, Images
from hallmarks.errors import UserError

BATCHES = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"


class Settings(Images):
    """The data set, and what makes it smaller for small runs."""

    facts = ImageFacts(train=50_000, test=10_000, channels=3, side=32, classes=10)
    name: Literal["cifar10"] = "cifar10"


def read(source: Path | None) -> Contents:
    """From the configured folder, else from torchvision's own source. Raises UserError."""
    if source is not None:
        return read_folder(source, str(source))
    from torchvision.datasets import CIFAR10

    with tempfile.TemporaryDirectory(prefix="hallmarks-data-") as scratch:
        try:
            CIFAR10(scratch, download=True)
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"cifar10: torchvision's own source failed ({' '.join(str(error).split())}); give a folder "
                f"that holds {BATCHES}/ or {ARCHIVE} (--source FOLDER)"
            ) from None
        return read_folder(Path(scratch), "torchvision's own source")


def read_folder(folder: Path, origin: str) -> Contents:
    """From a folder that holds `cifar-10-batches-py/` or the archive, or that is the former itself."""
    for batches in (folder / BATCHES, folder):
        if (batches / "batches.meta").exists():
            return assemble(lambda path: path.read_bytes(), batches, origin)
    archive = folder / ARCHIVE
    if not archive.exists():
        raise UserError(f"{folder}: holds neither {BATCHES}/ nor {ARCHIVE}")
    try:
        with tarfile.open(archive, "r:gz") as tar:
            return assemble(lambda path: tar.extractfile(f"{BATCHES}/{path.name}").read(), archive, origin)
    except (tarfile.TarError, zlib.error, EOFError, KeyError) as error:
        raise UserError(f"{archive}: truncated or not a whole archive ({error}); get it again") from None
    except OSError as error:
        raise UserError(f"{archive}: cannot be read ({error.strerror or error})") from None


def assemble(read_bytes: Callable[[Path], bytes], where: Path, origin: str) -> Contents:
    """The five training batches and the test batch, each N×3072 and labels, as arrays."""
    from torchvision.datasets import CIFAR10

    def part(name: str, md5: str) -> dict:
        content = read_bytes(where / name)
        digest = hashlib.md5(content).hexdigest()
        if digest != md5:
            raise UserError(f"{where / name}: altered or truncated: MD5 {digest}, not {md5}; get it again")
        return pickle.loads(content, encoding="latin1")

    def split(parts: list) -> tuple[np.ndarray, np.ndarray]:
        read = [part(name, md5) for name, md5 in parts]
        images = np.concatenate([entry["data"] for entry in read]).reshape(-1, 3, 32, 32)
        return images, np.concatenate([np.asarray(entry["labels"], np.int64) for entry in read])

    classes = part(CIFAR10.meta["filename"], CIFAR10.meta["md5"])[CIFAR10.meta["key"]]
    return image_arrays(*split(CIFAR10.train_list), *split(CIFAR10.test_list), classes, origin)
