"""Every string of a configuration reaches files, notebooks and the report as it is, and no shell."""

import json
import os
import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from tiny import BRACES, ODD, Tiny, configuration

from hallmarks.config.load import check
from hallmarks.errors import UserError
from hallmarks.workflow.captions import plain

TEXT = f"{ODD} {BRACES}"


@pytest.fixture
def results(tiny) -> Path:
    return tiny.folder / f"res {ODD}"


def test_folders_of_any_name_hold_the_results_and_nothing_was_run(tiny, results):
    assert {path.name for path in (results / "figures").iterdir()} >= {"map.png", "map.pdf", "map.csv"}
    assert (tiny.folder / f"res {ODD}" / "runs/tiny/default/seed0/finished.json").exists()
    assert not list(tiny.folder.rglob("ran"))
    assert {path.name for path in tiny.folder.iterdir()} == {
        ".snakemake",
        "config.yaml",
        results.name,
        f"scr {ODD}".partition("/")[0],
    }


def test_texts_are_as_they_were_written(results):
    claims = pd.read_csv(results / "tables/claims.csv")
    assert list(claims["statement"]) == [f"it grows {TEXT}"] and list(claims["section"]) == [f"1 {TEXT}"]
    assert json.loads((results / "settings/figures/map.json").read_text())["title"] == f"Map {TEXT}"
    said = json.loads((results / "notebooks/map.ipynb").read_text())["cells"]
    assert f"Map {TEXT}" in "".join(
        "".join(out.get("text", "")) for cell in said for out in cell.get("outputs", [])
    )


def test_the_report_shows_every_text(tiny):
    made = tiny.snakemake("--report", "report.html")
    try:
        assert made.returncode == 0, made.stderr
        page = (tiny.folder / "report.html").read_text()
    finally:
        (tiny.folder / "report.html").unlink(missing_ok=True)
    assert "system-message" not in page
    shown = embedded(page, "results")
    figure = next(record for path, record in shown.items() if path.endswith("figures/map.png"))
    assert figure["labels"]["shows"] == f"Ours, map: {plain(f'Map {TEXT}')}"
    caption = as_text(figure["caption"])
    for word in "Map", "One", "narrow", "one":
        assert f"{word} {' '.join(TEXT.split())}" in caption
    first = as_text(embedded(page, "workflow_desc"))
    assert f"1 {' '.join(TEXT.split())} One {' '.join(TEXT.split())}" in first


def embedded(page: str, name: str):
    """A value in a script of its own."""
    text = re.search(rf"<script id=[^>]*>\s*var {name} = (.*?);?\s*</script>", page, re.DOTALL)[1]
    return json.JSONDecoder().raw_decode(text)[0]


def as_text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def test_a_data_path_of_any_name_is_read(tmp_path):
    config = configuration() | {"data": {"fashion-mnist": f"data {ODD} {BRACES}"}}
    config["tasks"]["tiny"]["data"] = {"name": "fashion-mnist", "training_images": 64}
    tiny = Tiny(tmp_path, config)
    folder = tmp_path / f"data {ODD} {BRACES}"
    folder.mkdir(parents=True)
    for kind in "train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1":
        (folder / f"{kind}-ubyte").write_bytes(b"other")
    assert tiny.snakemake("data_all").returncode == 1
    log = (tmp_path / "results/logs/data/fashion-mnist.log").read_text()
    assert log.startswith(f"hallmarks data: {folder.relative_to(tmp_path)}/train-images-idx3-ubyte: altered")
    assert not list(tmp_path.rglob("ran"))


def test_a_home_folder_is_found():
    folders = {"results": "~/a b", "scratch": "~/c", "data": {"digits": "~/d"}}
    config = check(configuration() | folders, "here")
    home = os.path.expanduser("~")
    assert [config.results, config.scratch, config.data["digits"]] == [
        f"{home}/a b",
        f"{home}/c",
        f"{home}/d",
    ]


@pytest.mark.parametrize("folder", ["results", "scratch"])
@pytest.mark.parametrize("name", ["a{b}", "a<b>c", "}"])
def test_what_snakemake_would_replace_in_a_path_is_refused(folder, name):
    with pytest.raises(UserError, match="which Snakemake replaces in a path") as refused:
        check(configuration() | {folder: name}, "here")
    assert str(refused.value).startswith(f"here: {folder}: '{name}'") and "\n" not in str(refused.value)
