"""Claims of order and numbers, judged from tables of measures; the command and its refusals."""

import json

import numpy as np
import pandas as pd
import pytest

from hallmarks.claims import ALL_SEEDS, MEAN, NOT, NOT_COMPARABLE, judge, render
from hallmarks.cli import main
from hallmarks.commands.claims import read_measures


def table(mds: float, n: int = 3, angles: tuple = (80.0, 100.0)) -> pd.DataFrame:
    rows = [("all", "mds", pd.NA, mds), ("other", "mds", pd.NA, 0.0)]
    rows += [("all", "norm", t, 1.0 + t) for t in range(n)]
    rows += [("all", "angle_updates", t + 1, angle) for t, angle in reversed(list(enumerate(angles)))]
    return pd.DataFrame(rows, columns=["group", "measure", "index", "value"]).astype({"index": "Int64"})


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


@pytest.mark.parametrize("kind", [{}, {"kind": "number", "paper": 0.1, "variation": "a"}])
def test_a_run_that_diverged_is_named(kind, tmp_path):
    claim, tables = order(a=[0.1, 0.1], b=[0.2, 0.2])
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
