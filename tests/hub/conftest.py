"""A hub on this machine that everything here asks, in place of the public one."""

import io
import json
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hub.repositories import Repositories
from huggingface_hub import close_session, constants
from safetensors.numpy import save

from hallmarks.cli import main
from hallmarks.trajectory.hub import listing
from hallmarks.trajectory.transport import http, ranges


@pytest.fixture
def published(monkeypatch) -> Iterator[Repositories]:
    """The hub, asked with little patience and no token."""
    with Repositories() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        addresses = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", addresses)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
        monkeypatch.setattr(listing, "WAITS", (0.01, 0.01))
        monkeypatch.setattr(listing, "TIMEOUT", 20.0)
        monkeypatch.setattr(http, "BACK_OFF", 0.01)
        monkeypatch.setattr(http, "TRIES", 4)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        ranges.edge.cache_clear()
        yield hub
        close_session()


@pytest.fixture
def call(capsys) -> Callable[..., tuple[int, str, str]]:
    """Runs a command: its exit status, what it printed, and the line that it ended with."""

    def call(*words: object) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def point(step: int, seed: int = 0, size: int = 50) -> dict[str, np.ndarray]:
    """A point of a random walk from one start, the same for the same step."""
    start = np.random.default_rng(seed).standard_normal((2, size)).astype(np.float32)
    move = np.random.default_rng([seed, step]).standard_normal((2, size)).astype(np.float32)
    return {"embed.weight": start[0] + 0.1 * move[0], "out.weight": (start[1] + 0.1 * move[1]).reshape(5, -1)}


def weights(step: int, **options: int) -> bytes:
    """A point as safetensors."""
    return save(point(step, **options))


def as_bin(values: dict[str, np.ndarray]) -> bytes:
    """Tensors as torch saves them."""
    import torch

    content = io.BytesIO()
    torch.save({name: torch.from_numpy(value) for name, value in values.items()}, content)
    return content.getvalue()


def sharded(values: dict[str, np.ndarray], kind: str) -> dict[str, bytes]:
    """A shard a tensor, and their index."""
    stem = "model" if kind == "safetensors" else "pytorch_model"
    files, places = {}, {}
    for number, (name, value) in enumerate(values.items(), 1):
        shard = f"{stem}-{number:05d}-of-{len(values):05d}.{kind}"
        files[shard] = save({name: value}) if kind == "safetensors" else as_bin({name: value})
        places[name] = shard
    return files | {f"{stem}.{kind}.index.json": json.dumps({"weight_map": places}).encode()}
