"""Claims of order and numbers, judged from tables of measures; the command and its refusals."""

import json

import numpy as np
import pandas as pd
import pytest

from hallmarks.claims import ALL_SEEDS, FROM_KERNEL, MEAN, NOT, NOT_COMPARABLE, judge, render
from hallmarks.cli import main
from hallmarks.commands.claims import read_measures
from hallmarks.config.types import KERNEL_MEASURES


def table(mds: float, n: int = 3, angles: tuple = (80.0, 100.0)) -> pd.DataFrame:
    """Points at epochs 0, 1, …, ten steps each."""
    rows = [("all", "mds", pd.NA, mds), ("other", "mds", pd.NA, 0.0)]
    rows += [("all", "norm", t, 1.0 + t) for t in range(n)]
    rows += [("all", "angle_updates", t + 1, angle) for t, angle in reversed(list(enumerate(angles)))]
    rows = pd.DataFrame(rows, columns=["group", "measure", "index", "value"]).astype({"index": "Int64"})
    return rows.assign(step=10 * rows["index"], epoch=rows["index"].astype(float))


def order(**values: list[float]) -> tuple[dict, dict]:
    """A claim that ω rises from a to b, and its measures: for each variation a value a seed."""
    runs = {name: [f"task/{name}/seed{k}" for k in range(len(mds))] for name, mds in values.items()}
    claim = {"id": "rises", "kind": "order", "statement": "ω rises", "section": "C.1", "measure": "mds"}
    claim |= {"reduce": "value", "ascending": list(values), "runs": runs}
    tables = {f"task/{name}/seed{k}": table(v) for name, mds in values.items() for k, v in enumerate(mds)}
    return claim, tables


@pytest.mark.parametrize(
    ("a", "b", "verdict", "note"),
    [
        ([0.1, 0.5, 0.3], [0.2, 0.6, 0.4], ALL_SEEDS, ""),
        ([0.1, 0.5, 0.3], [0.2, 0.9, 0.2], MEAN, "in 2 of 3 seeds"),
        ([0.1, 0.5], [0.1, 0.4], NOT, "in 0 of 2 seeds; in the mean a is not below b"),
        ([0.1], [0.1], NOT, "in 0 of 1 seeds; in the mean a is not below b"),
        ([0.1, np.nan], [0.2, 0.3], NOT_COMPARABLE, "mds of a is undefined"),
    ],
)
@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_order(a, b, verdict, note, scale):
    claim, tables = order(a=a, b=b)
    row = judge([claim], tables, scale).iloc[0]
    assert (row["verdict"], row["note"], row["paper"]) == (verdict, note, "a < b")


def test_order_names_the_pair_that_breaks_and_shows_every_mean():
    claim, tables = order(a=[0.1, 0.3], b=[0.5, 0.5], c=[0.4, 0.2])
    row = judge([claim], tables, "laptop").iloc[0]
    assert row["verdict"] == NOT and "b is not below c" in row["note"] and "a is" not in row["note"]
    assert row["ours"].split("; ")[0] == "a: 0.2000 ± 0.1414 (2 seeds)"


def test_order_by_position_and_with_more_runs_than_it_compares():
    claim, tables = order(a=[0.3], b=[0.2], c=[0.1])
    row = judge([claim | {"ascending": [2, 0]}], tables, "laptop").iloc[0]
    assert (row["paper"], row["verdict"]) == ("c < a", ALL_SEEDS)


def test_a_run_that_ended_early_is_not_compared():
    claim, tables = order(a=[0.1], b=[0.2])
    tables["task/a/seed0"] = table(0.1, n=2)
    row = judge([claim], tables, "paper").iloc[0]
    assert row["verdict"] == NOT_COMPARABLE and "a: 2; b: 3" in row["note"]


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"kind": "number", "paper": 0.1, "variation": "a"},
        {"kind": "bound", "variations": ["a"], "above": 0}
        | {"measure": "angle_updates", "reduce": "drop_change", "drops": [1.5], "unit": "epochs"},
    ],
)
def test_a_run_that_diverged_is_named(kind, tmp_path):
    claim, tables = order(a=[0.1, 0.1], b=[0.2, 0.2])
    tables["task/a/seed1"] = table(0.1, n=1, angles=())
    tables["task/a/seed1"].attrs["diverged"] = "diverged at epoch 3, step 30, learning rate 0.1"
    write(tmp_path, tables)
    read = {run: read_measures(tmp_path, run) for run in tables}
    row = judge([claim | kind], read, "paper").iloc[0]
    assert row["verdict"] == NOT_COMPARABLE
    assert row["note"] == "task/a/seed1 diverged at epoch 3, step 30, learning rate 0.1"


@pytest.mark.parametrize(("reduce", "value"), [("mean", "90.0"), ("last", "100.0")])
def test_a_measure_along_the_trajectory_becomes_a_number(reduce, value):
    claim, tables = order(a=[0.1], b=[0.2])
    tables["task/a/seed0"] = table(0.1, angles=(80.0, 100.0))
    tables["task/b/seed0"] = table(0.1, angles=(85.0, 110.0))
    row = judge([claim | {"measure": "angle_updates", "reduce": reduce}], tables, "laptop").iloc[0]
    assert row["verdict"] == ALL_SEEDS and row["ours"].startswith(f"a: {value} (1 seed)")


@pytest.mark.parametrize(
    ("reduce", "unit", "drops", "values", "number"),
    [
        ("change", "epochs", [], (3.0, 9.0, 1.0), -2.0),
        # Phases 1–2, 3–4, 5–6: means 5, 2, 3.
        ("phase_change", "epochs", [3, 5], (4.0, 6.0, 2.0, 2.0, 1.0, 5.0), 1.0),
        ("phase_change", "steps", [30], (4.0, 6.0, 2.0, 2.0, 2.0, 2.0), -3.0),
        # Around 4: 6 and 4 before, 1 and 3 after; the angle at the drop itself is of both phases.
        ("drop_change", "epochs", [4], (99.0, 6.0, 4.0, 50.0, 1.0, 3.0), -3.0),
        ("unsettled", "epochs", [2], (1.0, 9.0, 9.5, 10.0), 0.1),
    ],
)
def test_what_happens_along_the_trajectory_becomes_a_number(reduce, unit, drops, values, number):
    claim, tables = order(a=[0.1])
    tables["task/a/seed0"] = table(0.1, angles=values)
    claim = {key: claim[key] for key in ["id", "statement", "section", "runs"]}
    claim |= {"kind": "bound", "variations": [0], "measure": "angle_updates", "reduce": reduce}
    claim |= {"unit": unit, "drops": drops}
    for side, limit, verdict in [
        ("above", -0.01, ALL_SEEDS),
        ("above", 0.01, NOT),
        ("below", 0.01, ALL_SEEDS),
    ]:
        row = judge([claim | {side: number + limit}], tables, "laptop").iloc[0]
        assert row["verdict"] == verdict and row["paper"].endswith(f"{side} {number + limit:g}")
    assert row["ours"] == f"a: {number:.4f} (1 seed)"


def test_a_bound_may_hold_in_the_mean_of_each_variation_or_not():
    claim, tables = order(a=[0.1, 0.4], b=[0.2, 0.9])
    claim |= {"kind": "bound", "variations": ["a", "b"], "below": 0.3}
    row = judge([claim], tables, "laptop").iloc[0]
    assert (row["verdict"], row["note"]) == (NOT, "in 2 of 4 runs; in the mean not for b")
    row = judge([claim | {"variations": ["a"]}], tables, "laptop").iloc[0]
    assert (row["verdict"], row["note"]) == (MEAN, "in 1 of 2 runs")


def save_kernel(path, points, epochs):
    gram = np.concatenate([points[:1], np.diff(points, axis=0)])
    path.parent.mkdir(parents=True, exist_ok=True)
    steps = np.arange(len(points))
    np.savez(path, increments_gram=[gram @ gram.T], groups=["w"], numel=[2], step=steps, epoch=epochs)


def test_measures_that_follow_from_the_kernel(tmp_path, capsys):
    """Two phases of two points each, alike within and at right angles across; then ω of every 2nd point."""
    assert FROM_KERNEL.keys() == KERNEL_MEASURES
    claim, tables = order(a=[0.1])
    write(tmp_path / "measures", tables)
    points = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    save_kernel(tmp_path / "kernels/task/a/seed0.npz", points, np.arange(4.0))
    claim = {key: claim[key] for key in ["statement", "section"]} | {"kind": "bound", "variations": [0]}
    claim |= {"seeds": [0], "runs": {"a": "task/a"}, "drops": [2], "unit": "epochs"}
    blocks = claim | {"id": "blocks", "measure": "block_contrast", "above": 0.99}
    coarser = claim | {"id": "coarser", "measure": "mds_every_2nd", "below": 0.51}
    settings = json.dumps({"scale": "laptop", "claims": [blocks, coarser]})
    command = ["claims", "--settings", settings, "--measures", str(tmp_path / "measures")]
    command += ["-o", str(tmp_path / "claims.csv")]
    assert main([*command, "--kernels", str(tmp_path / "kernels"), "--strict"]) == 0
    assert pd.read_csv(tmp_path / "claims.csv")["ours"].tolist() == [
        "a: 1.0000 (1 seed)",
        "a: 0.5000 (1 seed)",
    ]
    assert main(command) == 2
    assert "claim blocks: block_contrast needs the kernels; give --kernels" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ours", "scale", "verdict", "note"),
    [
        ([0.76, 0.77], "paper", ALL_SEEDS, ""),
        ([0.73, 0.79], "paper", MEAN, "in 0 of 2 seeds within 3%"),
        ([0.6, 0.7], "paper", NOT, "in 0 of 2 seeds within 3%"),
        ([0.764], "laptop", NOT_COMPARABLE, "ours is at laptop scale"),
        ([np.nan], "paper", NOT_COMPARABLE, "mds of default is undefined"),
    ],
)
def test_number(ours, scale, verdict, note):
    claim, tables = order(default=ours)
    claim = {key: claim[key] for key in ["id", "statement", "section", "runs"]}
    row = judge([claim | {"kind": "number", "paper": 0.764}], tables, scale).iloc[0]
    assert (row["verdict"], row["paper"], row["note"]) == (verdict, "0.764", note)


def write(folder, tables):
    for run, rows in tables.items():
        (folder / run).parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(folder / f"{run}.parquet")


def test_command_writes_both_tables(tmp_path, capsys):
    claim, tables = order(a=[0.2], b=[0.1])
    write(tmp_path / "measures", tables)
    settings = json.dumps({"scale": "laptop", "claims": [claim | {"statement": "ω < 1 & rises"}]})
    (tmp_path / "claims.json").write_text(settings)
    output = tmp_path / "tables" / "claims.csv"
    for given in [settings, str(tmp_path / "claims.json")]:
        command = ["claims", "--settings", given, "--measures", str(tmp_path / "measures"), "-o", str(output)]
        assert main(command) == 0
        assert main([*command, "--strict"]) == 1
        assert f"{NOT}: rises" in capsys.readouterr().out
    assert pd.read_csv(output)["verdict"].tolist() == [NOT]
    page = output.with_suffix(".html").read_text()
    assert "ω &lt; 1 &amp; rises" in page and "laptop scale" in page and NOT in page
    assert {path.name for path in output.parent.iterdir()} == {"claims.csv", "claims.html"}


def test_command_refuses_in_one_line(tmp_path, capsys):
    claim, tables = order(a=[0.1], b=[0.2])
    write(tmp_path, tables)
    (tmp_path / "task/b/seed0.parquet").write_bytes(b"PAR1 not a table PAR1")

    def refused(settings, *words, output="claims.csv"):
        given = settings if isinstance(settings, str) else json.dumps({"scale": "x", "claims": settings})
        assert main(["claims", "--settings", given, "--measures", str(tmp_path), "-o", output]) == 2
        message = capsys.readouterr().err
        assert all(word in message for word in words) and message.count("\n") == 1, message

    refused("{}", "--settings", '"claims"')
    refused("{", "--settings")
    refused(str(tmp_path / "none.json"), "none.json")
    refused([claim], "seed0.parquet", "not a table")
    (tmp_path / "task/b/seed0.parquet").unlink()
    refused([claim], "task/b/seed0.parquet", "hallmarks measure")
    write(tmp_path, tables)
    refused([claim | {"ascending": ["a", "z"]}], "claim rises", "'z'", "a, b")
    refused([claim | {"kind": "rank"}], "claim rises", "'rank'")
    refused([{key: claim[key] for key in claim if key != "ascending"}], "claim rises", "'ascending'")
    refused([claim | {"measure": "mdss"}], "claim rises", "'mdss'", "mds, norm")
    refused([claim], "claims.txt", output="claims.txt")


def test_no_claims_is_an_empty_table():
    empty = judge([], {}, "smoke")
    assert empty.empty and "0 claims" in render(empty, "smoke")
