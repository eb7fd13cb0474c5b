"""What decides a run's numbers, as one SHA-256: its settings, its data and the code that trains."""

import hashlib
import json
from pathlib import Path

import torch

import hallmarks

TRAINING_CODE = ["data", "experiments", "models", "training", "trajectory"]


def code_digest() -> str:
    """SHA-256 of the packages that training uses, and of PyTorch's version."""
    digest = hashlib.sha256(torch.__version__.encode())
    root = Path(hallmarks.__file__).parent
    for package in TRAINING_CODE:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def run_digest(resolved: dict, data: dict[str, str]) -> str:
    """SHA-256 of a run's resolved settings, of its data files' digests, and of the code."""
    parts = {"settings": resolved, "data": data, "code": code_digest()}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
