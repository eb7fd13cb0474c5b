"""Two random ResNet50s: the paper says 0.374, torchvision's initialisation gives 0.369."""

import json

import pandas as pd
import pytest
import torch
from torchvision.models import resnet50

from hallmarks.cli import main

STUDY = {
    "study": "initialisations",
    "model": {"name": "resnet50"},
    "channels": 3,
    "classes": 1000,
    "seeds": [0, 1],
    "paper": 0.374,
}


def study(folder, **changes) -> list[str]:
    (folder / "settings.json").write_text(json.dumps(STUDY | changes))
    return ["study", "--settings", str(folder / "settings.json"), "-o", str(folder / "random-init.csv")]


def test_the_papers_number(tmp_path):
    assert main(study(tmp_path)) == 0
    table = pd.read_csv(tmp_path / "random-init.csv")
    points = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        points.append(torch.cat([p.detach().ravel() for p in resnet50().parameters()]).double())
    expected = float(torch.nn.functional.cosine_similarity(*points, dim=0))
    assert table["seeds"].tolist() == ["0 and 1"]
    assert table["cosine"].tolist() == [pytest.approx(expected, rel=1e-6)]
    assert expected == pytest.approx(0.374, abs=0.01)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"model": {"name": "resnet51"}}, "model: no model is called 'resnet51'; did you mean 'resnet50'?"),
        ({"seeds": [0, 0]}, "seeds: a seed is listed twice"),
        ({"seeds": [0]}, "seeds: Value should have at least 2 items"),
        ({"study": "initialisation"}, "no study is called 'initialisation'; did you mean 'initialisations'?"),
    ],
)
def test_refused(tmp_path, capsys, changes, line):
    assert main(study(tmp_path, **changes)) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1 and not (tmp_path / "random-init.csv").exists()
