"""A published trajectory in the workflow: looked up, fetched, killed on the way, planned offline."""

import json
import os
import re
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml
from hub.conftest import point
from hub.repositories import Repositories
from safetensors.numpy import save
from tiny import BIN, FLAGS, ROOT, Tiny

from hallmarks.cli import main
from hallmarks.kernel.file import Kernel

MODEL, WRONG = "EleutherAI/pythia-tiny", "EleutherAI/pythia-wrong"
STEPS = [0, *(2**k for k in range(10)), *range(1000, 29000, 1000)]  # 39
FEW = [0, 1, 2, 4, 8, 1000, 2000, 3000, 4000, 5000]
RUN = "pythia/default/seed0"
SIZE = 3_000_000  # 48 segments: the two on their way when it is killed are little of it
LAYERS, WIDTH, HEADS = 3, 24, 4
PICTURES = {
    "map": {"title": "Map", "notebook": "maps"},
    "relative": {"title": "Relative map", "notebook": "maps", "options": {"relative": True}},
    "layers": {"title": "Layers", "notebook": "layers"},
    "depth": {"title": "Depth", "notebook": "depth"},
    "norms": {"title": "Norms", "notebook": "norms"},
    "scale": {"title": "Scale", "notebook": "scale"},
}


def values(step: int, size: int = SIZE // 2) -> dict[str, np.ndarray]:
    """Two large tensors, and the attention of a few layers, which turn from one direction to another."""
    found = point(step, size=size)
    for layer in range(LAYERS):
        ends = np.random.default_rng(layer).standard_normal((2, 3 * WIDTH, WIDTH)).astype(np.float32)
        share = np.float32(np.log1p(step) / np.log1p(28000))
        name = f"gpt_neox.layers.{layer}.attention.query_key_value.weight"
        found[name] = (1 - share) * ends[0] + share * ends[1]
    return found


def two_shards(own: dict[str, np.ndarray]) -> dict[str, bytes]:
    """As a model of two shards is published, with its configuration."""
    names = list(own)
    parts = [{name: own[name] for name in part} for part in (names[:1], names[1:])]
    files = {f"model-0000{n}-of-00002.safetensors": save(part) for n, part in enumerate(parts, 1)}
    places = {name: file for file, part in zip(files, parts, strict=True) for name in part}
    index = json.dumps({"weight_map": places}).encode()
    config = json.dumps({"num_attention_heads": HEADS}).encode()
    return files | {"model.safetensors.index.json": index, "config.json": config}


def configuration(models: tuple[str, ...] = (), **settings) -> dict:
    task = {"origin": "fetched", "organisation": "EleutherAI", "model": "pythia-tiny"}
    task |= {"revisions": [f"step{step}" for step in STEPS]}
    size = {"bytes": 4 * SIZE, "parameters": SIZE, "tensors": 2}
    task |= {"sizes": {"pythia-tiny": size, "pythia-wrong": size}}
    variations = [{"model": model} for model in models] or [{}]
    experiment = {"title": "Pythia", "section": "5", "task": "pythia", "variations": variations}
    one = experiment | {"variations": variations[:1]}
    experiments = {"pythia": experiment, "one": one}
    figures = {
        name: figure | {"experiments": ["one" if name == "layers" else "pythia"]}
        for name, figure in PICTURES.items()
    }
    return {
        "scale": "tiny",
        "keep_trajectories": False,
        "tasks": {"pythia": task | settings},
        "experiments": experiments,
        "figures": figures,
    }


@pytest.fixture(scope="module")
def hub():
    with Repositories() as hub:
        for step in STEPS:
            hub.publish(MODEL, f"step{step}", two_shards(values(step)))
        yield hub


@pytest.fixture
def house(tmp_path, hub, monkeypatch) -> Tiny:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    hub.limit = None
    return Tiny(tmp_path / "here", configuration())


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Kernel:
    """The kernel of the same points on a disk."""
    folder = tmp_path_factory.mktemp("disk")
    for step in STEPS:
        for name, content in two_shards(values(step)).items():
            (folder / f"step{step}").mkdir(exist_ok=True)
            (folder / f"step{step}" / name).write_bytes(content)
    assert main(["kernel", str(folder), "-o", str(folder / "disk.npz")]) == 0
    return Kernel.load(folder / "disk.npz")


# Windows as much smaller than a point as they are of a large model, and what is done kept at once.
SMALL = "from hallmarks.kernel import streamed; streamed.KEPT_EVERY = 0.0\n"
SMALL += "from hallmarks.trajectory import bands; bands.LONGEST = 2**16\n"


def share_done(partial: Path) -> float:
    """How much of a kernel is done, by what is kept of it."""
    if not partial.exists():
        return 0.0
    with np.load(partial, allow_pickle=False) as file:
        told = json.loads(str(file["partial"]))
    return told["done"] * told["segment"] / SIZE


def test_a_run_that_is_killed_goes_on_to_the_same_bits(house, hub, disk):
    (house.folder / "small").mkdir()
    (house.folder / "small/sitecustomize.py").write_text(SMALL)
    total, before = 4 * SIZE * len(STEPS), hub.sent()
    hub.limit = before + int(0.56 * total)  # behind that it waits
    command = [
        str(BIN / "snakemake"),
        f"--snakefile={ROOT / 'Snakefile'}",
        *FLAGS,
        "--rerun-incomplete",
        "map",
    ]
    environment = os.environ | {"PYTHONPATH": f"{house.folder / 'small'}:{ROOT / 'src'}"}
    environment |= {"HF_HUB_DOWNLOAD_TIMEOUT": "600"}
    begun = subprocess.Popen(
        command, cwd=house.folder, env=environment, start_new_session=True, stderr=subprocess.PIPE
    )
    partial = house.folder / f"results/kernels/{RUN}.npz.partial"
    while share_done(partial) < 0.5:
        assert begun.poll() is None, begun.stderr.read().decode()[-3000:]
        time.sleep(0.1)
    for process in [begun, *psutil.Process(begun.pid).children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # ended with what had started it
            process.kill()
    begun.communicate(timeout=60)
    assert partial.exists() and not partial.with_suffix("").exists()
    stopped, hub.limit = hub.sent(), None
    assert house.snakemake("--unlock").returncode == 0
    done = house.snakemake("--rerun-incomplete", "map", "relative", "layers", "depth")
    assert done.returncode == 0, done.stderr[-3000:]
    assert hub.sent() - stopped < 0.55 * total and hub.sent() - before < 1.1 * total
    kernel = Kernel.load(house.folder / f"results/kernels/{RUN}.npz")
    assert kernel.step.tolist() == STEPS and not partial.exists()
    order = [kernel.groups.index(group) for group in disk.groups]
    assert np.array_equal(kernel.increments_gram[order], disk.increments_gram)
    for name in ("map", "relative", "layers", "depth"):
        assert (house.folder / f"results/figures/{name}.png").stat().st_size > 10_000
    shown = pd.read_csv(house.folder / "results/figures/layers.csv")
    assert set(shown["row"]) == {"query", "key", "value"} and set(shown["layer"]) == set(range(LAYERS))
    # What lies there is what there is to read, and no weight; made again is nothing.
    folder = house.folder / f"results/runs/{RUN}"
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 100_000
    assert house.planned("map", "relative", "layers", "depth") == {}


def grey(table: pd.DataFrame) -> list[int]:
    """The points of a map that are not there: all of their cosines are missing, and no other."""
    matrix = table.pivot(index="s", columns="t", values="cosine")
    gone = matrix.index[matrix.isna().all(axis=1)]
    assert not matrix.drop(index=gone, columns=gone).isna().any(axis=None)
    return gone.tolist()


def test_missing_points_are_missing_in_every_picture(house, hub):
    """Two steps hold the same files, and two the same values but for the signs of zeros."""
    for step in FEW:
        own = values({2000: 1000}.get(step, step), size=50)
        if step in (4, 4000):
            own = values(4, size=50)
            for value in own.values():  # in both shards
                value.flat[:5] = 0.0 if step == 4 else -0.0
        hub.publish(WRONG, f"step{step}", two_shards(own))
        hub.publish("EleutherAI/pythia-right", f"step{step}", two_shards(values(step, size=50)))
    sizes = {f"pythia-{name}": {"bytes": 1000, "parameters": 500} for name in ("tiny", "wrong", "right")}
    revisions = [f"step{step}" for step in FEW]
    config = configuration(("pythia-wrong", "pythia-right"), revisions=revisions, sizes=sizes)
    (house.folder / "config.yaml").write_text(yaml.safe_dump(config))
    done = house.snakemake(*PICTURES)
    assert done.returncode == 0, done.stderr[-3000:]
    run = "pythia/model=pythia-wrong/seed0"
    kernel = Kernel.load(house.folder / f"results/kernels/{run}.npz")
    missing = [4, 1000, 2000, 4000]
    assert list(kernel.missing) == missing and kernel.step.tolist() == sorted({*FEW} - {*missing})
    # Its description says what was read; that two are equal only their values told, and the kernel says it.
    told = json.loads((house.folder / f"results/runs/{run}/trajectory/trajectory.json").read_text())
    assert sorted(told["fetched"]["missing"]) == ["step1000", "step2000"]
    assert house.planned(*PICTURES) == {}
    figures = house.folder / "results/figures"
    places = [FEW.index(step) for step in missing]
    for name in ("map", "relative"):
        table = pd.read_csv(figures / f"{name}.csv")
        for label, part in table.groupby("label"):
            wrong = "wrong" in label
            assert grey(part) == (places if wrong else []), name
            assert ("(4 of 10 points missing)" in label) == wrong
    for _, part in pd.read_csv(figures / "layers.csv").groupby(["row", "layer"]):
        assert grey(part) == places
    norms = pd.read_csv(figures / "norms.csv").query("measure == 'update_norm' and run == @run")
    assert norms.loc[norms["value"].isna(), "step"].tolist() == [2, 8, 3000]
    lines = pd.read_csv(figures / "scale.csv").groupby("experiment")["label"].nunique()
    assert lines.to_dict() == {"pythia": 2, "pythia, the 6 steps of all": 2}


def test_a_lock_is_part_of_what_decides_a_run(house, hub, tmp_path, monkeypatch):
    address = f"hf://{MODEL}@step0,step1,step2,step4"
    revisions = {"revisions": ["step0", "step1", "step2", "step4"]}
    lock = house.folder / "locks/pythia-tiny.json"
    check = ["hub", "check", address, "--lock", str(lock)]
    done = subprocess.run(
        [str(BIN / "hallmarks"), *check], env=os.environ | {"PYTHONPATH": str(ROOT / "src")}
    )
    assert done.returncode == 0
    config = house.folder / "config.yaml"
    config.write_text(yaml.safe_dump(configuration(locks="locks", **revisions)))
    assert house.snakemake("kernels_all").returncode == 0 and house.planned("kernels_all") == {}
    # By another lock it is another run.
    content = json.loads(lock.read_text())
    content["revisions"].pop()
    lock.write_text(json.dumps(content))
    config.write_text(yaml.safe_dump(configuration(locks="locks", revisions=["step0", "step1", "step2"])))
    assert house.planned("kernels_all") == {"look_up": 1, "fetch": 1, "kernels_all": 1}


def plan(house, *words, **environment):
    settings = os.environ | {"PYTHONPATH": str(ROOT / "src")} | environment
    profile = house.folder / "here/profile.yaml"
    profile.parent.mkdir(exist_ok=True)
    profile.write_text("cores: 2\nrerun-triggers: mtime\n")
    command = [str(BIN / "hallmarks"), "plan", *words, "--profile", str(profile)]
    return subprocess.run(command, cwd=house.folder, env=settings, capture_output=True, text=True)


def test_a_plan_needs_no_network(house, hub):
    asked = len(hub.requests)
    done = plan(house, "map", HF_HUB_OFFLINE="1")
    assert done.returncode == 0 and len(hub.requests) == asked, done.stderr
    assert re.search(r"^fetch +pythia +1 +0 ", done.stdout, re.M), done.stdout
    assert "pythia: pythia-tiny: 39 points of 12 MB, 468 MB fetched." in done.stdout, done.stdout
    assert "published weights fetched at 100 MB/s (a choice" in done.stdout, done.stdout
