"""Attempts to cheat the audit: each is found and rightly named, and what is clean gives no alarm.

All start from a copy of one finished folder and its checkout: two runs, a figure that was made twice, claims.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from audited import (
    KERNEL,
    OTHER,
    RUN,
    Copy,
    append,
    discard,
    leave_unfinished,
    measure_again,
    move_run,
    remake_kernel,
)

from hallmarks.cli import main
from hallmarks.provenance.pictures import key_in
from hallmarks.provenance.store import key_of, text_of
from hallmarks.provenance.words import WORDS
from smoke import BIN, ROOT


@dataclass
class Case:
    """What is done to the copy, and which verdicts it must then get; `said` is in what is said of them."""

    name: str
    change: Callable[[Copy], object]
    found: dict[str, str] = field(default_factory=dict)
    said: str = ""


def swap(copy: Copy) -> None:
    one, two = copy.results / f"{KERNEL}.npz", copy.results / f"kernels/{OTHER}.npz"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def put_back(copy: Copy) -> None:
    shutil.copytree(copy.folder / "before", copy.results, dirs_exist_ok=True)


def edit_record(copy: Copy) -> None:
    path = copy.record_of(KERNEL)
    path.write_text(path.read_text().replace('"rule": "kernel"', '"rule": "kernal"'))


def halve_record(copy: Copy) -> None:
    path = copy.record_of(KERNEL)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def forge_figure(copy: Copy, begun: bool = False) -> None:
    """A cell of the figure's numbers changed, and a record made to say so."""
    copy.flip("figures/map.csv", -2)
    digest = hashlib.sha256((copy.results / "figures/map.csv").read_bytes()).hexdigest()
    copy.forge("figures/map", lambda said: said["outputs"]["figures/map.csv"].update(sha256=digest), begun)


def fail_notebook(copy: Copy) -> None:
    path = copy.folder / "notebooks/maps.ipynb"
    notebook = json.loads(path.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code[-1]["source"] = ["raise ValueError('no')"]
    path.write_text(json.dumps(notebook))
    settings, stem = copy.results / "settings/figures/map.json", copy.results / "figures/map"
    words = [
        "notebook",
        f"--settings={settings}",
        f"--stem={stem}",
        "-o",
        copy.results / "notebooks/map.ipynb",
    ]
    assert copy.run(*words, path).returncode == 2
    # As Snakemake does with what a failed job left.
    for name in ("png", "pdf", "csv", "identity.json"):
        (copy.results / f"figures/map.{name}").unlink()
    (copy.results / "notebooks/map.ipynb").unlink()


FOUND = [
    Case(
        "a bit of a point",
        lambda copy: copy.flip(f"runs/{RUN}/trajectory/point-00001.safetensors"),
        {
            f"runs/{RUN}": "altered",
            KERNEL: "rests on",
            "figures/map": "rests on",
            f"kernels/{OTHER}": "intact",
        },
        "point-00001",
    ),
    Case(
        "a kernel overwritten with its time kept",
        lambda copy: copy.flip(f"{KERNEL}.npz", 400),
        {KERNEL: "altered", "figures/map": "rests on", f"runs/{RUN}": "intact"},
    ),
    Case(
        "a cell of a figure's CSV",
        lambda copy: copy.flip("figures/map.csv", -2),
        {"figures/map": "altered", KERNEL: "intact"},
        "figures/map.csv",
    ),
    Case(
        "a cell of claims.csv", lambda copy: copy.flip("tables/claims.csv", -2), {"tables/claims": "altered"}
    ),
    Case(
        "a notebook's output",
        lambda copy: copy.edit("results/notebooks/map.ipynb", "image/png", "image/jpg"),
        {"figures/map": "altered"},
        "notebooks/map.ipynb",
    ),
    Case(
        "two kernels swapped",
        swap,
        {KERNEL: "altered", f"kernels/{OTHER}": "altered"},
        f"the bytes of kernels/{OTHER}.npz",
    ),
    Case("an older figure put back", put_back, {"figures/map": "replayed"}, "before it was made again"),
    Case(
        "a seed edited in settings",
        lambda copy: copy.edit(f"results/runs/{RUN}/settings.yaml", "run:", "seed: 7\nrun:"),
        {f"runs/{RUN}": "altered", KERNEL: "rests on"},
        "settings.yaml",
    ),
    Case(
        "a byte of the data set",
        lambda copy: copy.flip("data/digits/train-images.npy"),
        {"data/digits": "altered", f"runs/{RUN}": "rests on", "figures/map": "rests on"},
        "train-images.npy",
    ),
    Case("a file removed", lambda copy: (copy.results / f"{KERNEL}.npz").unlink(), {KERNEL: "missing"}),
    Case(
        "a record edited", edit_record, {KERNEL: "broken", "figures/map": "rests on"}, "not those of its name"
    ),
    Case(
        "a record deleted",
        lambda copy: copy.record_of(KERNEL).unlink(),
        {KERNEL: "broken"},
        "no record of an end",
    ),
    Case("a record halved", halve_record, {KERNEL: "broken"}),
    Case(
        "a source deleted",
        lambda copy: (
            copy.results
            / "provenance/sources"
            / json.loads(copy.record_of(KERNEL).read_text())["derivation"]["lock"]
        ).unlink(),
        {KERNEL: "broken"},
        "not kept",
    ),
    Case(
        "a hand-made PNG added",
        lambda copy: shutil.copy(copy.results / "figures/map.png", copy.results / "figures/mine.png"),
        {"figures/mine": "unrecorded", "figures/map": "intact"},
    ),
    Case(
        "a record forged with its result",
        forge_figure,
        {"figures/map": "broken"},
        "no such attempt was begun",
    ),
    Case(
        "kernel code edited with its old time",
        lambda copy: append(copy, "kernel/gram.py", "EDITED = 1\n"),
        {KERNEL: "stale", "figures/map": "stale", f"runs/{RUN}": "intact"},
        "kernel/gram.py changed",
    ),
    Case(
        "plots only",
        lambda copy: append(copy, "figures/maps.py", "EDITED = 1\n"),
        {"figures/map": "stale", KERNEL: "intact", "tables/claims": "intact"},
        "figures/maps.py changed",
    ),
    Case(
        "a learning rate",
        lambda copy: copy.configure(
            lambda config: config["tasks"]["tiny"]["recipe"]["optimizer"].update(learning_rate=0.2)
        ),
        {f"runs/{RUN}": "stale", KERNEL: "stale", "figures/map": "stale", "data/digits": "intact"},
        "learning_rate: 0.1 → 0.2",
    ),
    Case(
        "a notebook edited",
        lambda copy: copy.edit("notebooks/maps.ipynb", "if stem:", "if stem is not None:"),
        {"figures/map": "stale", KERNEL: "intact"},
        "notebooks/maps.ipynb changed",
    ),
    Case(
        "the lock changed",
        lambda copy: copy.edit("envs/requirements.txt", "\nnumpy==", "\nnumpy==0."),
        {KERNEL: "stale", "figures/map": "stale"},
        "lock: numpy",
    ),
    Case(
        "one kernel made again by newer code, and everything touched",
        remake_kernel,
        {f"kernels/{OTHER}": "stale", "figures/map": "stale"},
        "hallmarks.kernel.gram",
    ),
    Case("begun and never ended", leave_unfinished, {f"measures/{RUN}": "unfinished"}),
    Case("a notebook that fails", fail_notebook, {"figures/map": "missing"}, "failed"),
]


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.name)
def test_it_is_found(copy, case):
    case.change(copy)
    status, found = copy.audit()
    verdicts = {name: each["verdict"] for name, each in found["results"].items()}
    assert {name: verdicts.get(name) for name in case.found} == case.found, found["results"]
    said = json.dumps([found["results"][name]["said"] for name in case.found], ensure_ascii=False)
    assert case.said in said and status == 1


def comment(copy: Copy) -> None:
    append(copy, "kernel/gram.py", "# a comment\n")


def touch(copy: Copy) -> None:
    for path in copy.results.rglob("*"):
        os.utime(path)


def go_on(copy: Copy) -> None:
    """A kill half way, then the next attempt."""
    leave_unfinished(copy)
    measure_again(copy)


def accept(copy: Copy) -> None:
    append(copy, "kernel/gram.py", "EDITED = 1\n")
    assert copy.run("accept", "all", "--why", "a typing mistake", "--profile", "smoke").returncode == 0


CLEAN = [
    Case("untouched", lambda copy: None),
    Case("a comment only", comment, {KERNEL: "intact"}, "kernel/gram.py"),
    Case(
        "a reason under choices",
        lambda copy: copy.configure(lambda config: config["tasks"]["tiny"]["choices"].update(model="thin")),
    ),
    Case("everything touched", touch),
    Case("points discarded", discard, {f"runs/{RUN}": "discarded", KERNEL: "intact"}),
    Case("made again with equal bytes", measure_again),
    Case("killed, and gone on with", go_on),
    Case("a run moved to another disk, behind a link", move_run),
    Case("accepted", accept, {KERNEL: "accepted"}, "a typing mistake"),
    Case("the whole chain forged", lambda copy: forge_figure(copy, begun=True)),
]


@pytest.mark.parametrize("case", CLEAN, ids=lambda case: case.name)
def test_what_is_clean_gives_no_alarm(copy, case):
    case.change(copy)
    status, found = copy.audit()
    wanted = case.found or {"figures/map": "intact", "tables/claims": "intact"}
    assert {name: found["results"][name]["verdict"] for name in wanted} == wanted, found["results"]
    said = json.dumps([found["results"][name]["said"] for name in wanted], ensure_ascii=False)
    assert status == 0 and case.said in said, found["results"]


def test_a_copy_elsewhere_without_its_checkout(copy, tmp_path, capsys, monkeypatch):
    """No times, no checkout, and nothing of the folder can be written."""
    there = tmp_path / "elsewhere" / "r é"
    shutil.copytree(copy.results, there, copy_function=shutil.copyfile)
    monkeypatch.chdir(tmp_path)
    before = sorted((path, path.stat().st_mtime_ns) for path in there.rglob("*"))
    for path in [*there.rglob("*"), there]:
        path.chmod(path.stat().st_mode & ~0o222)
    assert main(["audit", "--results", str(there)]) == 0
    told = capsys.readouterr().out
    assert "no finding" in told and "stale is unknown" in told
    assert sorted((path, path.stat().st_mtime_ns) for path in there.rglob("*")) == before


def test_provenance_deleted_is_one_line(copy, capsys):
    shutil.rmtree(copy.results / "provenance")
    assert main(["audit", "--no-checkout", "--results", str(copy.results)]) == 1
    told = capsys.readouterr().out
    assert told.count("\n") == 1 and "unrecorded" in told


def test_a_dirty_tree(copy):
    append(copy, "measures/norms.py", "# not committed\n")
    measure_again(copy)
    _, found = copy.audit()
    assert found["results"][f"measures/{RUN}"]["verdict"] == "dirty"
    assert "measures/norms.py" in json.dumps(found["results"][f"measures/{RUN}"]["said"])


def test_half_of_it_by_another_version(copy):
    remake_kernel(copy)
    _, found = copy.audit("map")
    assert "mixed" in {each["word"] for each in found["results"]["figures/map"]["said"]}


def test_one_figure_is_a_tree_down_to_its_data(copy):
    done = copy.run("audit", "map", "--profile", "smoke")
    assert done.returncode == 0, done.stdout
    names = re.findall(r"^[│├└─ ]*([a-z]+/\S+)  intact", done.stdout, re.M)
    assert names[0] == "figures/map" and {f"runs/{RUN}", KERNEL, "data/digits"} <= set(names)
    assert "seed 0" in done.stdout and "commit " in done.stdout and "\033" not in done.stdout


def test_a_picture_alone_is_traced(copy, tmp_path, capsys):
    for suffix in "png", "pdf":
        shutil.copy(copy.results / f"figures/map.{suffix}", tmp_path / f"sent.{suffix}")
        assert (
            main(["audit", "--no-checkout", "--results", str(copy.results), str(tmp_path / f"sent.{suffix}")])
            == 0
        )
        assert "data/digits" in capsys.readouterr().out
    key = json.loads(copy.record_of("figures/map").read_text())["key"]
    assert key_in((tmp_path / "sent.png").read_bytes()) == key == key_in((tmp_path / "sent.pdf").read_bytes())
    data = bytearray((tmp_path / "sent.png").read_bytes())
    data[-20] ^= 1
    (tmp_path / "sent.png").write_bytes(data)
    assert main(["audit", "--no-checkout", "--results", str(copy.results), str(tmp_path / "sent.png")]) == 1
    assert "altered: it holds the key of figures/map" in capsys.readouterr().out
    shutil.copy(ROOT / "docs/images/fig3-laptop.png", tmp_path / "other.png")
    assert main(["audit", "--no-checkout", "--results", str(copy.results), str(tmp_path / "other.png")]) == 1
    assert "unrecorded" in capsys.readouterr().out


def test_one_row_of_the_claims(copy, capsys):
    words = ["audit", "--no-checkout", "--results", str(copy.results), "claims.csv", "--row"]
    assert main([*words, "grows"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("claim grows  intact") and f"measures/{RUN}" in told and "figures/map" not in told
    copy.flip("tables/claims.csv", -2)
    assert main([*words, "grows"]) == 1
    assert main([*words, "grow"]) == 2
    assert "did you mean grows?" in capsys.readouterr().err


def test_quick_says_so(copy, capsys):
    copy.flip(f"{KERNEL}.npz", 400)
    words = ["audit", "--quick", "--no-checkout", "--results", str(copy.results)]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "unchecked: nothing was hashed" in told
    with open(copy.results / f"{KERNEL}.npz", "ab") as file:
        file.write(b"x")
    assert main(words) == 1


def test_mistakes_are_one_line(copy, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = ["--results", str(copy.results), "--no-checkout"]
    for words, line in [
        (["audit", "mapp", *folder], "did you mean map?"),
        (["audit"], "--results FOLDER"),
        (["audit", "--results", str(tmp_path / "none")], "no folder of results"),
        (["audit", "--verify-signature", str(tmp_path / "none"), *folder], "no such file of allowed signers"),
        (["seal", "--key", str(tmp_path / "none"), *folder], "no such SSH key"),
    ]:
        assert main(words) == 2, words
        told = capsys.readouterr().err
        assert told.count("\n") == 1 and line in told


def test_the_page_needs_nothing_else(copy, tmp_path):
    page = tmp_path / "audit.html"
    assert main(["audit", "--no-checkout", "--results", str(copy.results), "--html", str(page)]) == 0
    text = page.read_text()
    assert "http" not in text.replace("http-equiv", "") and text.count("<rect") == 9 == text.count(
        "<tr>"
    ) - len(WORDS) - 1 + text.count('<tr class="fine">')


def test_every_word_is_in_the_help_and_in_the_document(capsys):
    with pytest.raises(SystemExit):
        main(["audit", "--help"])
    told, document = capsys.readouterr().out, (ROOT / "docs/audit.md").read_text()
    for word in WORDS.values():
        assert f"  {word.name} " in told and word.means in told
        assert f"| {word.name} |" in document


@pytest.fixture
def sealed(copy, tmp_path) -> tuple[Copy, Path]:
    """Sealed by a key, with the file that says whose it is."""
    for name in "key", "other":
        call = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(call, check=True)
    signers = tmp_path / "signers"
    signers.write_text(f"author@example.org {(tmp_path / 'key.pub').read_text()}")
    done = copy.run("seal", "--key", tmp_path / "key", "--profile", "smoke")
    assert done.returncode == 0, done.stderr
    return copy, signers


def verified(copy: Copy, signers: Path) -> int:
    return main(
        [
            "audit",
            "--no-checkout",
            "--results",
            str(copy.results),
            "--summary",
            "--verify-signature",
            str(signers),
        ]
    )


def test_a_seal_is_checked_by_the_outside_programs(sealed, capsys):
    copy, signers = sealed
    assert verified(copy, signers) == 0 and "seal: whole, by author@example.org" in capsys.readouterr().out
    (listed,) = (copy.results / "provenance/seal").glob("*/MANIFEST.sha256")
    checked = subprocess.run(["sha256sum", "--quiet", "-c", listed], cwd=copy.results, capture_output=True)
    assert checked.returncode == 0, checked.stdout
    words = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        signers,
        "-I",
        "author@example.org",
        "-n",
        "hallmarks-results",
    ]
    with open(listed, "rb") as given:
        call = [*words, "-s", f"{listed}.sig"]
        assert subprocess.run(call, stdin=given, capture_output=True).returncode == 0


def wrong_key(copy: Copy, signers: Path) -> None:
    signers.write_text(f"author@example.org {(signers.parent / 'other.pub').read_text()}")


def wrong_namespace(copy: Copy, signers: Path) -> None:
    (listed,) = (copy.results / "provenance/seal").glob("*/MANIFEST.sha256")
    Path(f"{listed}.sig").unlink()
    call = ["ssh-keygen", "-q", "-Y", "sign", "-f", signers.parent / "key", "-n", "file", listed]
    subprocess.run(call, check=True)


def manifest_edited(copy: Copy, signers: Path) -> None:
    (listed,) = (copy.results / "provenance/seal").glob("*/MANIFEST.sha256")
    listed.write_text("\n".join(listed.read_text().splitlines()[1:]) + "\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (wrong_key, "signed by nobody"),
        (wrong_namespace, "does not hold"),
        (manifest_edited, "does not hold"),
        (lambda copy, _: copy.flip("figures/map.csv", -2), "figures/map.csv: altered since it was sealed"),
        (lambda copy, _: forge_figure(copy, begun=True), "figures/map.csv: altered since it was sealed"),
        (lambda copy, _: (copy.results / "figures/map.pdf").unlink(), "not there since it was sealed"),
        (lambda copy, _: (copy.results / "figures/x.png").write_text("x"), "added since it was sealed"),
        (lambda copy, _: (copy.results / "figures/x").symlink_to("/usr/lib"), "figures/x: added since"),
        (
            lambda copy, _: (copy.results / "provenance/records/x").symlink_to("/usr/lib"),
            "provenance/records/x: added since",
        ),
    ],
)
def test_a_broken_seal_is_named(sealed, capsys, change, said):
    copy, signers = sealed
    change(copy, signers)
    assert verified(copy, signers) == 1
    assert said in capsys.readouterr().out


def test_nothing_is_sealed_while_something_is_found(copy, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    copy.flip("figures/map.csv", -2)
    done = copy.run("seal", "--key", tmp_path / "key", "--profile", "smoke")
    assert done.returncode == 1 and "altered" in done.stderr
    assert not (copy.results / "provenance/seal").exists()


def again(copy: Copy, *words: str) -> tuple[int, str]:
    done = copy.run("audit", "--profile", "smoke", *words)
    return done.returncode, done.stdout


def test_made_again_the_numbers_are_the_same(copy):
    status, told = again(copy, "--rederive")
    assert status == 0 and "made again: 6 identical" in told, told
    assert f"{KERNEL}  identical" in told and "figures/map  identical" in told


def test_made_again_a_forged_number_is_another(copy):
    """A whole chain that was forged passes the audit, and this alone."""
    lines = (copy.results / "figures/map.csv").read_text().splitlines()
    number = lines[-1].rpartition(",")[2]
    lines[-1] = f"{lines[-1].rpartition(',')[0]},{float(number) + 0.01:.9g}"
    (copy.results / "figures/map.csv").write_text("\n".join([*lines, ""]))
    digest = hashlib.sha256((copy.results / "figures/map.csv").read_bytes()).hexdigest()
    said = {"sha256": digest, "bytes": (copy.results / "figures/map.csv").stat().st_size}
    copy.forge("figures/map", lambda content: content["outputs"].update({"figures/map.csv": said}), True)
    assert copy.audit("map")[0] == 0
    status, told = again(copy, "--rederive", "map")
    assert status == 1 and "figures/map  different: column " in told, told
    assert "4 identical, 1 different" in told


def test_made_again_without_points(copy):
    discard(copy)
    status, told = again(copy, "--rederive", KERNEL, f"measures/{RUN}")
    assert status == 0 and f"{KERNEL}  discarded" in told and f"measures/{RUN}  identical" in told, told


def test_trained_again_a_run_is_the_same(copy):
    status, told = again(copy, "--retrain", RUN)
    assert status == 0 and f"runs/{RUN}  identical" in told, told
    status, told = again(copy, "--retrain", "tiny/default/seed9")
    assert status == 2


def test_a_figure_in_the_report_is_compared(copy, capsys):
    call = [
        str(BIN / "snakemake"),
        "--profile",
        "smoke",
        "--report",
        str(copy.results / "report.html"),
        "all",
    ]
    made = subprocess.run(call, cwd=copy.folder, env=copy.environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    words = ["audit", "--no-checkout", "--results", str(copy.results), "report.html"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert told.startswith("report.html  intact: 2 figures and tables; nothing records its other text\n")
    assert "no finding" in told and told.count("\n") == 2
    page = copy.results / "report.html"
    text = page.read_text()
    shown = base64.b64encode((copy.results / "figures/map.png").read_bytes()).decode()
    for data, word in [
        ((ROOT / "docs/images/fig3-laptop.png").read_bytes(), "altered"),
        ((copy.folder / "before/figures/map.png").read_bytes(), "replayed"),
    ]:
        assert shown in text
        page.write_text(text.replace(shown, base64.b64encode(data).decode()))
        assert main(words) == 1
        assert f"report.html  {word}: shows figures/map.png" in capsys.readouterr().out
        assert main(words[:-1]) == 1  # all of it, the report too
        assert f"report.html  {word}" in capsys.readouterr().out
    page.write_text("<html></html>")
    assert main(words) == 1


def test_every_number_has_its_records(copy, tmp_path, capsys):
    words = [
        "audit",
        "--no-checkout",
        "--results",
        str(copy.results),
        "--numbers",
        str(tmp_path / "numbers.json"),
    ]
    assert main(words) == 0
    found = json.loads((tmp_path / "numbers.json").read_text())["tiny/default:mds"]
    seen = [
        pd.read_parquet(copy.results / f"measures/{run}.parquet").query(
            "group == 'all' and measure == 'mds'"
        )["value"]
        for run in (RUN, OTHER)
    ]
    values = [float(each.iloc[0]) for each in seen]
    assert found["runs"] == dict(zip((RUN, OTHER), values, strict=True)) and found["n"] == 2
    assert found["mean"] == pytest.approx(sum(values) / 2)
    assert found["sd"] == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    assert found["records"][RUN] == copy.record_of(f"measures/{RUN}").stem
    text = (tmp_path / "numbers.tex").read_text()
    assert rf"\csname hallmarks:\detokenize{{tiny/default:mds}}\endcsname{{{found['mean']:.4g}}}" in text
    assert "tiny/default:test_accuracy" in text
    copy.flip(f"kernels/{RUN}.npz", 400)
    assert main(words) == 1
    found = json.loads((tmp_path / "numbers.json").read_text())["tiny/default:mds"]
    assert found["records"][RUN] is None and found["records"][OTHER]


def test_two_reproductions_are_compared(finished, copy, capsys):
    words = ["audit", "--no-checkout", "--results", str(copy.results), "--against", str(finished.results)]
    assert main(words) == 0
    assert "9 results in both: 9 made of the same, 9 with the same bytes" in capsys.readouterr().out
    path = copy.results / f"measures/{RUN}.parquet"
    table = pd.read_parquet(path)
    table.loc[(table["measure"] == "mds") & (table["group"] == "all"), "value"] -= 0.5
    table.to_parquet(path, index=False)
    copy.configure(lambda config: config["figures"]["map"].update(title="A third map"))
    append(copy, "measures/norms.py", "# another\n")
    measured = path.read_bytes()
    measure_again(copy)
    path.write_bytes(measured)
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "9 results in both: 8 made of the same" in told
    assert f"measures/{RUN}: sources: src/hallmarks/measures/norms.py" in told
    number = re.search(r"^mds of tiny/default: .*: (\S+), (\S+) of the spread of 2 seeds$", told, re.M)
    assert float(number[1]) == pytest.approx(0.25, rel=1e-3) and float(number[2]) > 0.5


def test_what_reviewers_ask_is_answered(copy, capsys):
    words = ["audit", "--no-checkout", "--results", str(copy.results), "--checklist"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "train: 2 attempts" in told and "in all: 10 attempts" in told and "1 of 1 stood" in told
    assert re.search(r"made again since: 1 attempt", told) and "data sets: data/digits" in told
    leave_unfinished(copy)
    for path in (copy.results / "provenance/records").glob("*.json"):
        content = json.loads(path.read_text())
        if content["target"] in {"figures/map", "tables/claims"}:
            content["derivation"]["inputs"] = []
        if content["rule"] == "train":
            content["execution"]["workflow"] = {}
        content["key"] = key_of(content["derivation"])
        path.unlink()
        data = text_of(content)
        path.with_name(f"{hashlib.sha256(data).hexdigest()}.json").write_bytes(data)
    assert main(words) == 0
    told = capsys.readouterr().out
    assert f"nothing shows? (REFORMS)\n  runs/{RUN}\n  runs/{OTHER}\n" in told
    assert "grows: no: it came after runs/" in told and "nobody recorded: 1" in told


def test_a_figure_is_audited_in_seconds(copy):
    """Of CPU, since others may work beside."""
    began = sum(os.times()[2:4])
    assert copy.run("audit", "map", "--profile", "smoke").returncode == 0
    assert sum(os.times()[2:4]) - began < 5
