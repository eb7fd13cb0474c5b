"""A published trajectory in the workflow: looked up, fetched, killed on the way, planned offline."""

import json
import os
import re
import subprocess
import time

import numpy as np
import psutil
import pytest
import yaml
from hub.conftest import point
from hub.repositories import Repositories
from hub.test_formats_of_hub import sharded
from safetensors.numpy import save_file
from tiny import BIN, FLAGS, ROOT, Tiny

from hallmarks.cli import main
from hallmarks.kernel.file import Kernel

MODEL = "EleutherAI/pythia-tiny"
STEPS = [0, *(2**k for k in range(10)), *range(1000, 29000, 1000)]  # 39
RUN = "pythia/default/seed0"
SIZE = 3_000_000  # 48 segments: the two on their way when it is killed are little of it


def configuration(**settings) -> dict:
    task = {"origin": "fetched", "organisation": "EleutherAI", "model": "pythia-tiny"}
    task |= {"revisions": [f"step{step}" for step in STEPS]}
    task |= {"sizes": {"pythia-tiny": {"bytes": 4 * SIZE, "parameters": SIZE, "tensors": 2}}}
    experiment = {"title": "Pythia", "section": "5", "task": "pythia", "variations": [{}]}
    figure = {"title": "Map", "notebook": "maps", "experiments": ["pythia"]}
    return {
        "scale": "tiny",
        "keep_trajectories": False,
        "tasks": {"pythia": task | settings},
        "experiments": {"pythia": experiment},
        "figures": {"map": figure},
    }


@pytest.fixture(scope="module")
def hub():
    with Repositories() as hub:
        for step in STEPS:
            hub.publish(MODEL, f"step{step}", sharded(point(step, size=SIZE // 2), "safetensors"))
        yield hub


@pytest.fixture
def house(tmp_path, hub, monkeypatch) -> Tiny:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    hub.rate = None
    return Tiny(tmp_path / "here", configuration())


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Kernel:
    """The kernel of the same points on a disk."""
    folder = tmp_path_factory.mktemp("disk")
    for step in STEPS:
        save_file(point(step, size=SIZE // 2), folder / f"step{step}.safetensors")
    assert main(["kernel", str(folder), "-o", str(folder / "disk.npz")]) == 0
    return Kernel.load(folder / "disk.npz")


# Windows as much smaller than a point as they are of a large model, and what is done kept at once.
SMALL = "from hallmarks.kernel import streamed; streamed.KEPT_EVERY = 0.0\n"
SMALL += "from hallmarks.trajectory import bands; bands.LONGEST = 2**16\n"


def test_a_run_that_is_killed_goes_on_to_the_same_bits(house, hub, disk):
    (house.folder / "small").mkdir()
    (house.folder / "small/sitecustomize.py").write_text(SMALL)
    total = 4 * SIZE * len(STEPS)
    hub.rate = total / 8
    before = hub.sent()
    command = [
        str(BIN / "snakemake"),
        f"--snakefile={ROOT / 'Snakefile'}",
        *FLAGS,
        "--rerun-incomplete",
        "map",
    ]
    environment = os.environ | {"PYTHONPATH": f"{house.folder / 'small'}:{ROOT / 'src'}"}
    begun = subprocess.Popen(
        command, cwd=house.folder, env=environment, start_new_session=True, stderr=subprocess.PIPE
    )
    while hub.sent() - before < total / 2:
        assert begun.poll() is None, begun.stderr.read().decode()[-3000:]
        time.sleep(0.1)
    for process in [begun, *psutil.Process(begun.pid).children(recursive=True)]:
        process.kill()
    begun.communicate(timeout=60)
    partial = house.folder / f"results/kernels/{RUN}.npz.partial"
    assert partial.exists() and not partial.with_suffix("").exists()
    hub.rate, stopped = None, hub.sent()
    assert house.snakemake("--unlock").returncode == 0
    done = house.snakemake("--rerun-incomplete", "map")
    assert done.returncode == 0, done.stderr[-3000:]
    assert hub.sent() - stopped < 0.62 * total and hub.sent() - before < 1.2 * total
    kernel = Kernel.load(house.folder / f"results/kernels/{RUN}.npz")
    assert kernel.step.tolist() == STEPS and not partial.exists()
    order = [kernel.groups.index(group) for group in disk.groups]
    assert np.array_equal(kernel.increments_gram[order], disk.increments_gram)
    assert (house.folder / "results/figures/map.png").stat().st_size > 10_000
    # What lies there is what there is to read, and no weight; made again is nothing.
    folder = house.folder / f"results/runs/{RUN}"
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 100_000
    assert house.planned("map") == {}


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
