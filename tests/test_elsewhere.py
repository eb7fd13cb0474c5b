"""The workflow from elsewhere: another folder, another workflow, results that were brought here."""

import os
import random
import shutil
from pathlib import Path

import pytest
import yaml
from tiny import ROOT, Tiny, configuration

import hallmarks
from hallmarks.config.load import load_configuration
from hallmarks.errors import UserError
from hallmarks.files import make_folder
from hallmarks.workflow.notebooks import check_notebooks
from hallmarks.workflow.paper import open_paper
from hallmarks.workflow.requests import refuse_mixing
from hallmarks.workflow.targets import check_target

MODULE = f"""
module other:
    snakefile: "{ROOT}/Snakefile"
    config: config["other"]
    prefix: "its own"
use rule * from other as other_*
rule mine:
    input: rules.other_map.input
    output: "mine.txt"
    default_target: True
    shell: "ls {{input:q}} > {{output:q}}"
"""


@pytest.fixture
def copied(tiny, tmp_path) -> Tiny:
    """The finished results in another folder, without their times and without what Snakemake remembers."""
    away = shutil.ignore_patterns(".snakemake")
    shutil.copytree(tiny.folder, tmp_path / "there", copy_function=shutil.copyfile, ignore=away)
    return Tiny(tmp_path / "there")


def results_of(tiny: Tiny) -> Path:
    return next(tiny.folder.glob("res*"))


def test_nothing_is_made_twice(tiny):
    assert tiny.planned() == {}


def test_results_that_were_brought_here_stand(copied):
    assert copied.planned() == {}
    files = [path for path in copied.folder.rglob("*") if path.is_file()]
    random.Random(0).shuffle(files)
    for time, path in enumerate(files):
        os.utime(path, (1.7e9 + time, 1.7e9 + time))
    assert copied.planned(snakefile=ROOT / "workflow/Snakefile") == {}


@pytest.mark.parametrize("suffix", ["csv", "pdf"])
def test_a_part_of_a_figure_that_is_gone_is_made_again(copied, suffix):
    (results_of(copied) / f"figures/map.{suffix}").unlink()
    assert copied.planned("map") == {"figure": 1, "map": 1}


def test_a_forced_run_is_trained_again_with_what_is_made_of_it(copied):
    point = next(results_of(copied).rglob("point-00001.safetensors"))
    inode = point.stat().st_ino
    jobs = {"train": 1, "kernel": 1, "measure": 1, "figure": 1, "table": 1}
    assert copied.planned("-R", "train") == jobs
    made = copied.snakemake("-R", "train", "--until", "train")
    assert made.returncode == 0, made.stderr
    assert point.stat().st_ino != inode
    # The same numbers: what was made of them stands.
    assert copied.planned() == {}


def test_data_that_are_there_are_taken(copied):
    assert copied.planned("-R", "data") == {"data": 1}
    made = copied.snakemake("-R", "data")
    assert made.returncode == 0, made.stderr
    assert "taken as it is" in (results_of(copied) / "logs/data/digits.log").read_text()
    assert copied.planned() == {}


def test_a_module_with_a_prefix(tiny, tmp_path):
    config = yaml.safe_load((tiny.folder / "config.yaml").read_text())
    outer = Tiny(tmp_path, {"other": config})
    (tmp_path / "Snakefile").write_text('configfile: "config.yaml"\n' + MODULE)
    once = {f"other_{rule}": 1 for rule in ("data", "train", "kernel", "measure", "figure")}
    assert outer.planned(snakefile=tmp_path / "Snakefile") == once | {"mine": 1}
    # Where they are looked for, and by which name a rule is forced.
    shutil.rmtree(tmp_path / "its own")
    shutil.copytree(tiny.folder, tmp_path / "its own", ignore=shutil.ignore_patterns(".snakemake"))
    made = outer.snakemake(snakefile=tmp_path / "Snakefile")
    assert made.returncode == 0 and "map.png" in (tmp_path / "mine.txt").read_text(), made.stderr
    assert outer.planned(snakefile=tmp_path / "Snakefile") == {}
    assert not list(tmp_path.glob("res*"))


def test_an_environment_that_is_not_activated(tmp_path):
    tiny = Tiny(tmp_path, configuration())
    made = tiny.snakemake("data_all", PATH="/usr/bin:/bin")
    assert made.returncode == 0, (tmp_path / "results/logs/data/digits.log").read_text()


def test_another_clones_code_is_refused(tmp_path):
    shutil.copytree(Path(hallmarks.__file__).parent, tmp_path / "src/hallmarks")
    (tmp_path / "src/hallmarks/errors.py").open("a").write("# another\n")
    said = Tiny(tmp_path, configuration()).refused(PYTHONPATH=str(tmp_path / "src"))
    assert said.startswith(f"{ROOT}: its code is not what runs") and "errors.py differ" in said


def test_a_package_that_is_not_there_is_one_line(tmp_path):
    (tmp_path / "hallmarks").mkdir()
    package = f"import sys; __path__ = {hallmarks.__path__}; sys.modules['hallmarks.workflow'] = None"
    (tmp_path / "hallmarks/__init__.py").write_text(package)
    said = Tiny(tmp_path, configuration()).refused(PYTHONPATH=str(tmp_path))
    assert "hallmarks.workflow" in said and "activate the environment (. .venv/bin/activate)" in said


def test_a_figure_that_does_not_exist(tiny):
    said = "mep: no such target; did you mean map?; `snakemake --list-target-rules` names all"
    assert tiny.refused("mep") == said


def test_a_report_before_all_is_made(tmp_path):
    said = Tiny(tmp_path, configuration()).refused("--report", "report.html")
    assert said.startswith("a report shows what is made, and 2 of 2 figures and tables are not, such as map;")


def test_targets_that_are():
    paper = open_paper(configuration(), [])
    for target in ["map", "one", "claims", "all", "data_all", "train_all", "results/figures/map.png"]:
        check_target(paper, target)


def test_an_experiment_is_a_target_by_its_name(tmp_path):
    """Of a figure's name it is the figure."""
    config = configuration()
    config["experiments"]["map"] = config["experiments"]["one"] | {"variations": [{"width": 2}]}
    config["figures"]["other"] = config["figures"]["map"] | {"experiments": ["one", "map"]}
    tiny = Tiny(tmp_path, config)
    planned = tiny.planned("one")
    assert (planned["train"], planned["figure"], planned["one"]) == (2, 2, 1)
    assert tiny.planned("map")["figure"] == 1


@pytest.mark.parametrize(
    ("figure", "line"),
    [
        (
            {"notebook": "mops"},
            f"figures.map.notebook: there is no {ROOT}/notebooks/mops.ipynb; did you mean maps?",
        ),
        (
            {"options": {"relativ": True}},
            "figures.map.options: maps takes no 'relativ'; did you mean relative?",
        ),
        ({"options": {"x": 1}}, "figures.map.options: maps takes no 'x'; it takes relative, scale_of"),
        (
            {"notebook": "norms", "options": {"x": 1}},
            "figures.map.options: norms takes no 'x'; it takes none",
        ),
    ],
)
def test_a_notebook_and_its_options_must_be_there(figure, line):
    config = configuration()
    check_notebooks(open_paper(config, []), ROOT)
    config["figures"]["map"] |= figure
    with pytest.raises(UserError) as refused:
        check_notebooks(open_paper(config, []), ROOT)
    assert str(refused.value) == line


def test_the_papers_own_notebooks_are_there():
    for overlay in "paper", "laptop", "smoke":
        paths = [ROOT / "config.yaml", ROOT / f"config/{overlay}.yaml"]
        check_notebooks(open_paper(load_configuration(paths).model_dump(), []), ROOT)


def test_two_scales_are_not_mixed(tmp_path):
    refuse_mixing(tmp_path, "paper")
    refuse_mixing(tmp_path, "laptop")  # that a plan was asked for is no result
    (tmp_path / "runs/tiny").mkdir(parents=True)
    refuse_mixing(tmp_path, "laptop")
    with pytest.raises(UserError, match="holds results of scale laptop") as refused:
        refuse_mixing(tmp_path, "paper")
    assert "results: results-paper" in str(refused.value)


def test_a_link_to_nothing_and_a_file_in_the_way(tmp_path):
    (tmp_path / "results").symlink_to("/nowhere")
    with pytest.raises(UserError, match="results: a link to /nowhere, which is not there"):
        make_folder(tmp_path / "results/settings")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file/settings: cannot be made"):
        make_folder(tmp_path / "file/settings")


def test_learning_rates_that_agree_in_six_digits_are_two_runs():
    config = configuration()
    rates = [0.0333333, 0.03333333333]
    config["experiments"]["one"]["variations"] = [{"learning_rate": rate} for rate in rates]
    names = open_paper(config, []).runs
    assert sorted(names) == [f"tiny/learning_rate={rate}/seed0" for rate in rates]
