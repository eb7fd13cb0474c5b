"""The page on published models, run as it is written, against a hub that has small ones under their names."""

import re
import subprocess
import sys

import pandas as pd
import pytest
import torch
from hub.repositories import Repositories
from safetensors.numpy import save

from hallmarks.data.tokens import TokenShape
from hallmarks.models.gpt_neox import Settings
from smoke import ROOT, Project

PAGE = (ROOT / "docs/language-models.md").read_text()
COMMANDS = re.findall(r"^    (hallmarks .+|snakemake .+published.+)$", PAGE, re.M)
STEPS = [0, 8, 128, 2000, 6000]


def revision(step: int, width: int) -> dict[str, bytes]:
    """A small GPT-NeoX, in float16, on its way from one initialisation to another."""
    ends = []
    for seed in range(2):
        torch.manual_seed(seed)
        ends.append(Settings(width=width, depth=3, head_size=8).build(TokenShape(64, 32)))
    share = step / STEPS[-1]
    pairs = zip(*(model.named_parameters() for model in ends), strict=True)
    values = {
        name.replace("lm_head", "embed_out"): ((1 - share) * one + share * other).detach().half().numpy()
        for (name, one), (_, other) in pairs
    }
    return {"model.safetensors": save(values), "config.json": ends[0].config.to_json_string().encode()}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project that asks this machine's hub; 70M's step2000 holds the weights of step6000."""
    with Repositories() as hub:
        for model, width in {"pythia-14m": 16, "pythia-70m": 24}.items():
            for step in STEPS:
                wrong = model == "pythia-70m" and step == 2000
                hub.publish(f"EleutherAI/{model}", f"step{step}", revision(6000 if wrong else step, width))
        project = Project(tmp_path_factory.mktemp("project"))
        project.environment |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": ""}
        (overlay,) = re.findall(r"`(config/published.yaml)`\n\n```yaml\n(.*?)```", PAGE, re.S)
        (project.folder / overlay[0]).write_text(overlay[1])
        yield project


def test_every_command_does_what_the_page_says(project):
    assert len(COMMANDS) == 4
    for command in COMMANDS:
        program, *words = command.split()
        done = project.run(program, *words)
        assert done.returncode == 0, command + done.stderr[-3000:] + done.stdout[-1000:]
    for picture in ("pythia.png", "layers.png"):
        assert (project.folder / picture).stat().st_size > 10_000
    figures = project.folder / "results/figures"
    maps = pd.read_csv(figures / "published-maps.csv")
    assert set(maps["label"]) == {"default", "model pythia-70m (2 of 5 points missing)"}
    gone = maps[maps["cosine"].isna() & (maps["s"] == 0)]
    assert gone["t"].tolist() == [3, 4]
    assert "angle_updates_noise" in set(pd.read_csv(figures / "published-angles.csv")["measure"])
    depth = pd.read_csv(figures / "published-depth.csv")
    assert set(depth["role"]) == {"query", "key", "value"} and set(depth["layer"]) == {0, 1, 2}
    scale = pd.read_csv(figures / "published-scale.csv")
    assert set(scale["experiment"]) == {"published", "published, the 3 steps of all"}


def test_the_lines_of_python_run_as_they_are(project):
    (lines,) = re.findall(r"^(    from hallmarks.measures import Kernel, mean.*?)\n\n", PAGE, re.S | re.M)
    script = "\n".join(line.removeprefix("    ") for line in lines.splitlines())
    script = script.replace("\n{place:", "\nfound = {place:") + "\nassert len(found) == 9\n"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project.folder, env=project.environment, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
