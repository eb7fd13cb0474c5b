"""The configuration: the paper's own, and what is refused, each in one line that says what would be right."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from hallmarks.config.load import check, load_configuration, read_yaml
from hallmarks.config.types import RULES
from hallmarks.errors import UserError
from hallmarks.runs.run import expand, rows_of, runs_of, shown_in

ROOT = Path(__file__).parents[1]
PAPER = yaml.safe_load((ROOT / "config.yaml").read_text())


def changed(path: str, value) -> dict:
    """The paper's configuration with one key set."""
    content = yaml.safe_load(yaml.safe_dump(PAPER))
    *parents, last = path.split(".")
    place = content
    for key in parents:
        place = place[key]
    place[last] = value
    return content


def test_the_papers_configuration():
    config = load_configuration([ROOT / "config.yaml"])
    runs = runs_of(expand(config))
    # ResNet50: 4, then 2 and 2 that are new; VGG16: 4 × 4; the batch ladder: 4 × 3; simulated: 5;
    # AdamW: 5 and 5; SAM: 4; ResNet20: a parent and its 43 branches, 3 seeds each; windows: 2; Pythia: 8
    # models, 2 of them with wrong weights too, 8 with their last step, and 9 seeds of 5.
    assert len(runs) == 4 + 2 + 2 + 16 + 12 + 5 + 10 + 4 + 3 * 44 + 2 + 8 + 2 + 8 + 9 * 5
    assert "resnet50-imagenet/momentum=0+weight_decay=0/seed0" in runs
    assert "vgg16-cifar10-steps/batch_size=64+learning_rate=0.05/seed2" in runs
    run = runs["resnet50-imagenet/momentum=0/seed0"]
    assert (run.settings.recipe.optimizer.momentum, run.settings.recipe.optimizer.weight_decay) == (0, 1e-4)


def test_rows_name_a_run_a_seed():
    config = load_configuration([ROOT / "config.yaml"])
    experiments = expand(config)
    first = shown_in(config.figures["fig6"], experiments)[0]
    assert first.label == "batch size 64, learning rate 0.05" and len(first.runs) == 3
    assert [row.label for row in shown_in(config.figures["fig2"], experiments)] == ["default"]
    with pytest.raises(UserError, match="names the variation 'defualt', which is none of default, momentum"):
        shown_in(config.figures["fig2"].model_copy(update={"labels": ["defualt"]}), experiments)


def test_the_batch_ladder_takes_equal_steps():
    config = load_configuration([ROOT / "config.yaml"])
    assert {row.runs[0].settings.steps() for row in rows_of(config, "vgg16-batch")} == {62400}
    config = check(changed("experiments.vgg16-batch.task", "vgg16-cifar10"), "config")
    with pytest.raises(UserError, match=r"experiments\.vgg16-batch: its runs take .* give the length"):
        expand(config)


def test_two_runs_of_one_name_are_refused():
    rows = rows_of(load_configuration([ROOT / "config.yaml"]), "switch-off")
    twin = replace(rows[1].runs[0], variation="default")
    with pytest.raises(UserError, match="another run is called resnet50-imagenet/default/seed0 as well"):
        runs_of({"switch-off": [rows[0], replace(rows[1], runs=[twin])]})


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("expriments", {}, r"expriments: unknown key; did you mean 'experiments'\?"),
        ("tasks.vgg16-cifar10.recipe.lenght", 3, r"tasks\.vgg16-cifar10\.recipe\.lenght: .*'length'"),
        (
            "tasks.vgg16-cifar10.recipe.optimizer.learning_rate",
            -0.1,
            r"learning_rate: .*greater than 0, not -0.1",
        ),
        ("tasks.vgg16-cifar10.recipe.schedule.at", [80, 160], r"a drop at 160 is past the end, 160 epochs"),
        ("tasks.vgg16-cifar10.recipe.schedule.at", [80, 40], r"do not rise"),
        ("experiments.switch-off.task", "resnet51", r"experiments\.switch-off names the task 'resnet51'"),
        ("figures.fig2.options", {"since": date(2024, 1, 1)}, r"figures\.fig2\.options\.since: .*JSON"),
        ("figures.fig2.options", {"above": float("nan")}, r"figures\.fig2\.options\.above.*: .*finite"),
        ("figures.fig2.experiments", ["switch"], r"figures\.fig2 names the experiment 'switch'"),
        (
            "figures.fig2.studies",
            ["widths"],
            r"figures\.fig2 names the study 'widths', which is none of .*width",
        ),
        ("claims.batch-mds.ascending", [0, 4], r"claims\.batch-mds names variation 4; the last is 3"),
        ("tasks.../../etc", {}, r"a name is lower-case"),
        (
            "figures.train",
            PAPER["figures"]["fig2"],
            r"figures\.train: the workflow has a target of this name",
        ),
        (
            "figures.random-init",
            PAPER["figures"]["fig2"],
            r"studies\.random-init: there is a figure of this name",
        ),
        ("experiments.switch-off.seeds", [0, 1, 0], r"switch-off\.seeds: a seed is listed twice"),
        ("tasks.vgg16-cifar10.recipe.optimizer.learning_rate", float("inf"), r"learning_rate: .*finite"),
        ("keep_trajectories", "no more", r"keep_trajectories: .*boolean"),
    ],
)
def test_refused(path, value, line):
    content = changed(path, value) if "etc" not in path else PAPER | {"tasks": {"../../etc": {}}}
    with pytest.raises(UserError, match=line) as error:
        check(content, "config.yaml")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("training_images", 50_001, "50001 is more than the 50000 of cifar10"),
        ("test_images", 10_001, "10001 is more than the 10000 of cifar10"),
        ("pooling", 3, "3 does not divide images of 32×32"),
    ],
)
def test_images_that_a_data_set_does_not_have(key, value, line):
    config = check(changed(f"tasks.vgg16-cifar10.data.{key}", value), "config")
    with pytest.raises(UserError, match=rf"tasks\.vgg16-cifar10\.data\.{key}: {line}"):
        expand(config)


def test_a_key_that_stands_twice_is_refused(tmp_path):
    (tmp_path / "c.yaml").write_text("tasks:\n  a: {length: 1}\n  b: {}\n  a: {length: 2}\n")
    with pytest.raises(UserError, match=r"c\.yaml: not YAML: the key 'a' stands twice in .*line 2"):
        read_yaml(tmp_path / "c.yaml")
    (tmp_path / "c.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n")
    assert read_yaml(tmp_path / "c.yaml")["b"] == {"x": 3, "y": 2}


def test_the_rules_are_known_by_name():
    files = [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]
    found = {name for file in files for name in re.findall(r"^rule (\w+):", file.read_text(), re.M)}
    assert {name for name in found if not name.endswith("_all")} == RULES


@pytest.mark.parametrize("content", ["tasks: [", "- a list", "tasks: {\xff"])
def test_not_a_configuration(tmp_path, content):
    (tmp_path / "c.yaml").write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=r"c\.yaml: "):
        load_configuration([tmp_path / "c.yaml"])


@pytest.mark.parametrize("scale", ["laptop", "smoke"])
def test_overlays_keep_the_shape(scale):
    paper = load_configuration([ROOT / "config.yaml"])
    small = load_configuration([ROOT / "config.yaml", ROOT / "config" / f"{scale}.yaml"])
    figures = {name: figure for name, figure in small.figures.items() if not name.startswith("why-")}
    assert small.scale == scale and figures == paper.figures and small.claims == paper.claims
    costly = [run for run in runs_of(expand(small)).values() if run.settings.origin != "simulated"]
    assert not {run.task for run in costly} & set(paper.tasks)
