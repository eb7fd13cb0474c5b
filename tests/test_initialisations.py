"""Two random ResNet50s: the paper says 0.374, torchvision's initialisation gives 0.369."""

import pandas as pd
import pytest
import torch
from torchvision.models import resnet50

from hallmarks.cli import main

RESNET50 = '{"name": "resnet50", "width": 64}'


def test_the_papers_number(tmp_path):
    output = tmp_path / "random-init.csv"
    arguments = ["initialisations", "--model", RESNET50, "--seeds", "0", "1", "--paper", "0.374"]
    assert main([*arguments, "-o", str(output)]) == 0
    table = pd.read_csv(output)
    points = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        points.append(torch.cat([p.detach().ravel() for p in resnet50().parameters()]).double())
    expected = float(torch.nn.functional.cosine_similarity(*points, dim=0))
    assert table["cosine"].tolist() == [pytest.approx(expected, rel=1e-6)] * 2
    assert expected == pytest.approx(0.374, abs=0.01)
    assert f"<td>{expected:.4f}</td>" in output.with_suffix(".html").read_text()


@pytest.mark.parametrize(
    ("model", "seeds", "line"),
    [('{"name": "resnet51"}', ["0", "1"], "--model: "), (RESNET50, ["0", "0"], "two different seeds")],
)
def test_refused(tmp_path, capsys, model, seeds, line):
    output = tmp_path / "random-init.csv"
    assert main(["initialisations", "--model", model, "--seeds", *seeds, "-o", str(output)]) == 2
    assert line in capsys.readouterr().err and not output.exists()
