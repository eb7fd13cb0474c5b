"""Accuracy against t, from logs: the controls, the smallest t that matches, and the savings."""

import json

import numpy as np
import pytest

from hallmarks.figures.bn_only import (
    BN,
    CONTROLS,
    FULL,
    STOP,
    accuracies,
    draw,
    matching_from,
    shown,
    summary,
)
from hallmarks.figures.panels import DrawnPanel
from hallmarks.training.trainable import TRAINABLE

SEEDS = range(3)


def made(folder, name: str, last: list[float], **said) -> DrawnPanel:
    """A run a seed, that end with these accuracies."""
    runs = [f"{name}/seed{seed}" for seed in SEEDS]
    for seed, run in enumerate(runs):
        (path := folder / "runs" / run).mkdir(parents=True)
        rows = [] if said.get("trains") == "none" else [(1, 0.3), (2, 0.5 + seed / 100), (3, 0.6)]
        rows.append((4, last[seed]))
        (path / "log.csv").write_text("epoch,test_accuracy\n" + "".join(f"{e},{a}\n" for e, a in rows))
        (path / "trajectory").mkdir()
        ended = {"points": [], "parameters": {}} | ({"diverged": {"step": 9}} if last[seed] < 0 else {})
        (path / "trajectory/trajectory.json").write_text(json.dumps(ended))
        if said:
            (path / "branch.json").write_text(json.dumps({"statistics": "moving"} | said))
    return DrawnPanel(name, runs, folder)


@pytest.fixture
def panels(tmp_path):
    def saves(trained):
        return {
            "trained": trained,
            "steps": 10,
            "optimizer_bytes": 4 * trained,
            "gradient_bytes": 4 * trained,
        }

    norms = {"trains": "norms", **saves(10), "seconds": 0.5}
    return [
        made(tmp_path, "parent/default", [0.90, 0.91, 0.92]),
        made(tmp_path, "b/at=0", [0.91, 0.92, 0.93], at=0, **norms),
        made(tmp_path, "b/at=1", [0.5, 0.5, 0.5], at=1, **norms),
        made(tmp_path, "b/at=2", [0.900, 0.901, 0.902], at=2, **norms),
        made(tmp_path, "b/at=3", [0.91, 0.92, 0.93], at=3, **norms),
        made(tmp_path, "b/all", [0.90, 0.91, 0.92], at=2, trains="all", **saves(100), seconds=1.0),
        made(tmp_path, "b/none", [0.1, 0.1, 0.1], at=0, trains="none", **saves(0) | {"steps": 0}, seconds=0),
    ]


def test_every_branch_that_can_be_run_is_shown(panels, tmp_path):
    """What is refused: statistics that are refreshed where something trains."""
    kinds = [(trains, fixed) for trains in TRAINABLE for fixed in ("moving", "trained")]
    kinds.append(("none", "refreshed"))
    others = [
        made(
            tmp_path, f"b/{trains}-{fixed}", [0.5, 0.5, 0.5], at=1, trains=trains, statistics=fixed, trained=1
        )
        for trains, fixed in kinds
    ]
    picture = draw([*panels, *others])
    told = {text.get_text() for legend in picture.figure.legends for text in legend.get_texts()}
    assert told == {CONTROLS[kind] for kind in kinds} and len(told) == 11
    colours = [line.get_color() for line in picture.figure.legends[0].get_lines()]
    assert len({str(colour) for colour in colours}) == 11
    assert set(shown(summary(picture.numbers))["trains from t on"]) == told | {FULL}


def test_the_smallest_t_is_one_from_which_on_all_match(panels):
    rows = summary(accuracies(panels))
    assert matching_from(rows) == 2  # 0 matches too, and 1 does not
    full = rows.set_index("control").loc[FULL]
    assert full["mean"] == pytest.approx(0.91) and full["sd"] == pytest.approx(0.01)
    assert np.isnan(matching_from(rows[rows["at"] != 3].assign(sd=0)))


def test_to_stop_at_t_is_in_the_parents_log(panels):
    table = accuracies(panels)
    stop = table[table["control"] == STOP].pivot(index="at", columns="seed", values="test_accuracy")
    assert stop.loc[2].tolist() == [0.5, 0.51, 0.52] and stop.loc[0].tolist() == [0.1] * 3


def test_savings_are_shares_of_where_everything_trains(panels):
    rows = summary(accuracies(panels))
    two = rows[(rows["control"] == BN) & (rows["at"] == 2)].iloc[0]
    costs = [two[name] for name in ("step_seconds", "share_step_seconds", "share_optimizer_bytes")]
    assert costs == pytest.approx([0.05, 0.5, 0.1])
    line = shown(rows).query("t == '2' and `trains from t on` == @BN").iloc[0]
    assert line["test accuracy, %"] == "90.10 ± 0.10" and line["against full"] == "-0.90"
    assert line["ms a step"] == "50.0 (50%)" and line["gradients, kB"] == "0.0 (10%)"


def test_a_run_that_diverged_has_no_accuracy(panels, tmp_path):
    wild = made(tmp_path, "b/wild", [0.9, -1, 0.9], at=3, trains="random-weights")
    table = accuracies([*panels, wild, wild]).query("at == 3 and trains == 'random-weights'")
    assert table["test_accuracy"].isna().tolist() == [False, True, False]


def test_it_is_drawn(panels):
    picture = draw(panels).with_footer("tiny")
    assert len(picture.png) > 10_000 and set(picture.numbers["control"]) >= {FULL, BN, STOP}
    assert "from t = 2 on" in picture.note
