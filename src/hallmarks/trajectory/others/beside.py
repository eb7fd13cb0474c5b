"""What lies in a folder beside its points: files that are none, and those that only look like none."""

import re
from pathlib import Path

from hallmarks.errors import UserError
from hallmarks.trajectory.formats import format_of, suffix_of
from hallmarks.trajectory.formats.npz import names_of

# No checkpoints, by the end of their names.
BESIDE = {
    *(".json", ".jsonl", ".yaml", ".yml", ".toml", ".txt", ".md", ".log", ".csv", ".tsv", ".html"),
    *(".py", ".sh", ".png", ".pdf", ".jpg", ".svg", ".gif", ".mp4", ".sha256", ".md5", ".parquet"),
    *(".arrow", ".err", ".out"),
}
# Checkpoints that are not read, or not whole.
OTHERWISE = {
    *(".h5", ".hdf5", ".keras", ".msgpack", ".onnx", ".gguf", ".pkl", ".pickle", ".npy", ".pdparams"),
    *(".tar", ".gz", ".zip", ".zst", ".xz", ".tmp", ".temp", ".part", ".partial", ".incomplete"),
    *(".crdownload", ".bak"),
}


def beginning(path: Path) -> str:
    """A name up to the first dot that a letter follows, by which an unfinished or renamed file is known."""
    return path.name if path.is_dir() else re.split(r"\.(?=[A-Za-z])", path.name)[0]


def is_otherwise(path: Path) -> bool:
    """Whether a file is a checkpoint under another suffix, of another format, or unfinished."""
    if path.suffix in OTHERWISE:
        return True
    if path.suffix in BESIDE or suffix_of(path.name):
        return False
    try:
        return format_of(path) is not None
    except UserError:
        return False


def is_kernel(path: Path) -> bool:
    """Whether a file is a kernel of ours, which may lie beside the checkpoints."""
    try:
        return path.suffix == ".npz" and "increments_gram" in names_of(path)
    except UserError:
        return False
