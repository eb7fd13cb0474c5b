"""Records: written around any command, of what was seen to run, be read and be written; nothing private."""

import hashlib
import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import rfc8785
from matplotlib.figure import Figure

from hallmarks.cli import main
from hallmarks.commands import measure
from hallmarks.errors import UserError
from hallmarks.kernel.file import Kernel
from hallmarks.provenance import scrub
from hallmarks.provenance.execution import node
from hallmarks.provenance.ledger import Ledger
from hallmarks.provenance.pictures import key_in, stamped
from hallmarks.provenance.store import Store, key_of
from hallmarks.trajectory.store import TrajectoryWriter
from hallmarks.witness import journal
from hallmarks.witness.journal import Journal
from hallmarks.witness.sources import LOADED
from smoke import ROOT

RUN = "a/default/seed0"


@pytest.fixture
def results(tmp_path) -> Path:
    """A folder of results with one trajectory of four points."""
    results = tmp_path / "results"
    writer = TrajectoryWriter(results / f"runs/{RUN}/trajectory", {"w": {"shape": [5], "kind": "linear"}})
    for t, point in enumerate(np.random.default_rng(0).standard_normal((4, 5)).cumsum(axis=0)):
        writer.write({"w": point.astype(np.float32)}, t, t, 0.1)
    writer.finish()
    Store(results).prepare()
    return results


def make_kernel(results: Path) -> int:
    return main(
        ["kernel", str(results / f"runs/{RUN}/trajectory"), "-o", str(results / f"kernels/{RUN}.npz")]
    )


def make_measures(results: Path) -> int:
    return main(
        ["measure", str(results / f"kernels/{RUN}.npz"), "-o", str(results / f"measures/{RUN}.parquet")]
    )


def records(results: Path) -> list[dict]:
    """The records, in the order in which they ended."""
    found = [json.loads(path.read_text()) for path in (results / "provenance/records").glob("*.json")]
    return sorted(found, key=lambda record: record["execution"]["ended"])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_a_record_holds(results):
    assert make_kernel(results) == 0 == make_measures(results)
    kernel, measures = records(results)
    for path in (results / "provenance/records").iterdir():
        assert path.stem == sha256(path)
    for record in kernel, measures:
        assert (results / f"provenance/begun/{record['attempt']}.json").exists()
        assert record["key"] == hashlib.sha256(rfc8785.dumps(record["derivation"])).hexdigest()
        for name, said in record["outputs"].items():
            assert said == {"sha256": sha256(results / name), "bytes": (results / name).stat().st_size}
    described = f"runs/{RUN}/trajectory/trajectory.json"
    assert [each["path"] for each in kernel["derivation"]["inputs"]] == [described]
    path = f"kernels/{RUN}.npz"
    assert measures["derivation"]["inputs"] == [{"path": path} | kernel["outputs"][path]]
    ran = measures["execution"]
    assert ran["begun"] < ran["ended"] and ran["cpu_seconds"] > 0 and ran["peak_memory_bytes"] > 2**20
    assert measures["kind"] == "made" and measures["rule"] == "measure" and measures["supersedes"] == []


def test_what_ran_is_kept(results, monkeypatch):
    # Other tests load toys in this process, from folders that are no part of the checkout.
    for name in [*LOADED]:
        beside = ROOT / "src" / name.replace(".", "/")
        if not (beside.with_suffix(".py").exists() or (beside / "__init__.py").exists()):
            monkeypatch.delitem(LOADED, name)
    make_kernel(results)
    (record,) = records(results)
    sources = record["derivation"]["sources"]
    assert "src/hallmarks/kernel/gram.py" in sources and "src/hallmarks/__init__.py" in sources
    for path, digest in sources.items():
        kept = results / "provenance/sources" / digest
        assert sha256(kept) == digest
        assert kept.read_bytes() == (ROOT / path).read_bytes()
    assert (
        sha256(results / "provenance/sources" / record["derivation"]["lock"]) == record["derivation"]["lock"]
    )


def test_elsewhere_nothing_is_recorded(results, tmp_path):
    before = sorted((results / "provenance").rglob("*"))
    command = ["kernel", str(results / f"runs/{RUN}/trajectory"), "-o", str(tmp_path / "mine/k.npz")]
    assert main(command) == 0
    assert sorted((results / "provenance").rglob("*")) == before
    assert not (tmp_path / "mine/provenance").exists()


def run(*words: object, **environment: str) -> subprocess.CompletedProcess:
    """The command in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")} | environment
    command = [sys.executable, "-m", "hallmarks.cli", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_two_makings_have_one_key(results, tmp_path):
    other = tmp_path / "moved é here/res"
    shutil.copytree(results, other)
    for folder, threads in (results, "1"), (other, "2"):
        trajectory = folder / f"runs/{RUN}/trajectory"
        done = run("kernel", trajectory, "-o", folder / f"kernels/{RUN}.npz", OMP_NUM_THREADS=threads)
        assert done.returncode == 0, done.stderr
    (one,), (two,) = records(results), records(other)
    assert one["key"] == two["key"] and one["outputs"] == two["outputs"] and one != two


def test_nothing_private_is_recorded(results, monkeypatch, capsys):
    secret, home = "planted-0123456789abcdef", "/home/planted-user"
    monkeypatch.setenv("MY_API_TOKEN", secret)
    scrub.secrets.cache_clear()
    scrub.places.cache_clear()
    folder = results.parent / "settings.json"
    said = {
        "name": "digits",
        "source": f"{home}/data/digits",
        "note": f"https://u:{secret}@10.11.12.13/x {secret}",
    }
    folder.write_text(json.dumps(said))
    try:
        command = ["data", f"--settings={folder}", f"--output={results}/data/digits"]
        assert main(command) == 2
        assert home in capsys.readouterr().err  # the user is told
    finally:
        scrub.secrets.cache_clear()
        scrub.places.cache_clear()
    (record,) = records(results)
    assert record["kind"] == "failed" and "digits come with scikit-learn" in record["execution"]["error"]
    everything = b"".join(path.read_bytes() for path in (results / "provenance").rglob("*") if path.is_file())
    for private in secret, home, "planted-user", "10.11.12.13", str(Path.home()), str(results):
        assert private.encode() not in everything, private


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("/home/alice/x: cannot be read", "~/x: cannot be read"),
        ("see /Users/bob/r/k.npz", "see ~/r/k.npz"),
        ("/nfs/home/carol/x and results/home/x", "~/x and results/home/x"),
        ("ssh carol@login.example.org failed", "ssh … failed"),
        ("no route to 192.168.0.17", "no route to …"),
        ("https://me:pass@host/x", "https://…@host/x"),
        (f"token=abcdef&x=1, hf_{'aB3' * 11}", "token=…&x=1, …"),
        ("from huggingface_hub import hf_hub_download", "from huggingface_hub import hf_hub_download"),
        ("momentum=0+weight_decay=0, 0.1 and 1.5.2", "momentum=0+weight_decay=0, 0.1 and 1.5.2"),
    ],
)
def test_texts_are_cleaned(text, clean):
    assert scrub.clean(text) == clean


def test_sources_are_kept_as_they_ran():
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "notebooks").glob("*.ipynb")]:
        assert scrub.clean_source(path.read_bytes()) == path.read_bytes(), path
    planted = f"token = 'hf_{'aB3' * 11}'  # of /home/alice"
    assert scrub.clean_source(planted.encode()).decode() == "token = '…'  # of ~"


def test_an_input_that_changes_while_it_is_read(results, monkeypatch, capsys):
    make_kernel(results)
    path, measured = results / f"kernels/{RUN}.npz", measure.run

    def rewriting(arguments):
        measured(arguments)
        kernel = Kernel.load(path)
        Kernel(2 * kernel.increments_gram, kernel.groups, kernel.numel, kernel.step, kernel.epoch).save(path)

    monkeypatch.setattr(measure, "run", rewriting)
    capsys.readouterr()
    assert make_measures(results) == 2
    assert f"{path}: changed while it was read" in capsys.readouterr().err
    assert [record["kind"] for record in records(results)] == ["made", "failed"]


def test_an_input_that_is_written_again_with_equal_bytes(results, monkeypatch):
    make_kernel(results)
    path, measured = results / f"kernels/{RUN}.npz", measure.run

    def rewriting(arguments):
        measured(arguments)
        path.write_bytes(path.read_bytes())

    monkeypatch.setattr(measure, "run", rewriting)
    assert make_measures(results) == 0


def test_a_large_input_is_hashed_beside_the_reading(results, monkeypatch):
    make_kernel(results)
    monkeypatch.setattr(journal, "LARGE", 100)
    hashing = []
    look = journal.look
    monkeypatch.setattr(
        journal, "look", lambda path: hashing.append((str(path), threading.current_thread())) or look(path)
    )
    assert make_measures(results) == 0
    kernel = [thread for path, thread in hashing if path.endswith(".npz")]
    assert kernel and all(thread is not threading.main_thread() for thread in kernel)
    assert records(results)[-1]["derivation"]["inputs"][0]["sha256"] == sha256(results / f"kernels/{RUN}.npz")


def test_points_are_read_once(results, monkeypatch):
    """They are told by the digests in trajectory.json, which the kernel's own pass verifies."""
    seen = []
    look = journal.look
    monkeypatch.setattr(journal, "look", lambda path: seen.append(Path(path).name) or look(path))
    make_kernel(results)
    assert "trajectory.json" in seen and not [name for name in seen if name.startswith("point-")]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_leaves_an_attempt_that_never_ended(results, end):
    make_kernel(results)
    killing = "import os, sys, hallmarks.commands.measure as m\nfrom hallmarks.cli import main\n"
    killing += f"m.run = lambda _: os.kill(os.getpid(), {int(end)})\nmain(sys.argv[1:])"
    words = ["measure", f"{results}/kernels/{RUN}.npz", "-o", f"{results}/measures/{RUN}.parquet"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", killing, *words], env=environment, capture_output=True)
    assert done.returncode == -end
    ledger = Ledger.read(results)
    assert len(ledger.unended(f"measures/{RUN}")) == 1 and not ledger.unended(f"kernels/{RUN}")
    make_measures(results)
    assert Ledger.read(results).unended(f"measures/{RUN}") == []  # the next one knew of it
    assert len(records(results)[-1]["supersedes"]) == 1


def test_a_record_that_cannot_be_written_is_said_in_one_line(results, capsys):
    (results / "provenance/records").write_text("in the way")
    capsys.readouterr()
    assert make_kernel(results) == 2
    told = capsys.readouterr().err.splitlines()
    assert "provenance/records" in told[-1] and "Traceback" not in "".join(told)


def test_a_failure_whose_record_cannot_be_written_keeps_its_own_line(results, capsys):
    (results / "provenance/records").write_text("in the way")
    assert make_measures(results) == 2
    told = capsys.readouterr().err.splitlines()
    assert "not recorded" in told[0] and "no such kernel" in told[1] and len(told) == 2


def test_settings_that_canonical_json_cannot_hold_are_refused_before_anything_is_made(results, capsys):
    path = results.parent / "s.json"
    path.write_text(json.dumps({"seed": 2**53}))
    kernel = results / f"kernels/{RUN}.npz"
    command = ["kernel", f"--settings={path}", str(results / f"runs/{RUN}/trajectory"), "-o", str(kernel)]
    assert main(command) == 2
    assert "canonical JSON" in capsys.readouterr().err and not kernel.exists()
    with pytest.raises(UserError, match="canonical JSON"):
        key_of({"x": float("nan")})


def test_bytecode_cannot_lie(results, tmp_path):
    """A source edited to the same size, with its time kept, is what runs and what is recorded."""
    shutil.copytree(
        ROOT / "src/hallmarks", tmp_path / "src/hallmarks", ignore=shutil.ignore_patterns("__pycache__")
    )
    path = tmp_path / "src/hallmarks/kernel/stillness.py"
    words = ["kernel", results / f"runs/{RUN}/trajectory", "-o", results / f"kernels/{RUN}.npz"]
    subprocess.run([sys.executable, "-m", "compileall", "-q", tmp_path / "src"], check=True)
    text, before = path.read_text(), path.stat()
    assert "def noticed(" in text
    path.write_text(text.replace("def noticed(", "def notised("))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    done = run(*words, PYTHONPATH=str(tmp_path / "src"))
    assert done.returncode and "cannot import name 'noticed'" in done.stderr
    path.write_text(text.replace('"""', '"""x', 1))
    done = run(*words, PYTHONPATH=str(tmp_path / "src"))
    assert done.returncode == 0, done.stderr
    assert records(results)[-1]["derivation"]["sources"]["src/hallmarks/kernel/stillness.py"] == sha256(path)


@pytest.mark.parametrize("name", ["__init__.py", "witness/journal.py"])
def test_bytecode_of_what_is_imported_first_is_compared(results, tmp_path, name):
    shutil.copytree(
        ROOT / "src/hallmarks", tmp_path / "src/hallmarks", ignore=shutil.ignore_patterns("__pycache__")
    )
    path = tmp_path / "src/hallmarks" / name
    subprocess.run([sys.executable, "-m", "compileall", "-q", path], check=True)
    text, before = path.read_text(), path.stat()
    path.write_text(
        text.replace("follow_parent()", "follow_parent  ", 1)
        if name[0] == "_"
        else text.replace("2**24", "2**25")
    )
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    words = ["kernel", results / f"runs/{RUN}/trajectory", "-o", results / f"kernels/{RUN}.npz"]
    done = run(*words, PYTHONPATH=str(tmp_path / "src"))
    assert done.returncode == 2 and "its bytecode is not of its source" in done.stderr, done.stderr


def test_a_moved_run_is_recorded_where_it_lies(results, tmp_path):
    from hallmarks.files import move_into_place, write

    seen = Journal(str(results))
    journal.watch(seen)
    try:
        write(tmp_path / "scratch/log.csv", "epoch\n")
        write(tmp_path / "scratch/trajectory/point-00000.safetensors", b"x")
        move_into_place(tmp_path / "scratch", results / "runs/b/default/seed0")
    finally:
        journal.watch(None)
    from hallmarks.provenance.outputs import outputs_of

    assert list(outputs_of(seen, results, "runs/b/default/seed0")) == ["runs/b/default/seed0/log.csv"]


def test_whoever_may_write_the_results_may_record(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    results.chmod(0o2775)
    store = Store(results)
    store.prepare()
    store.keep(b"x")
    for folder in results / "provenance", results / "provenance/sources":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o2775


def test_two_at_once(results):
    """Two drivers, one result: both are recorded, and neither supersedes the other."""
    words = ["kernel", results / f"runs/{RUN}/trajectory", "-o", results / f"kernels/{RUN}.npz"]
    started = [threading.Thread(target=run, args=words) for _ in range(2)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    ledger = Ledger.read(results)
    assert len(ledger.records) == 2 and not ledger.broken
    one, two = records(results)
    assert one["outputs"] == two["outputs"] and one["attempt"] != two["attempt"]


def test_slurm_is_recorded_and_an_address_is_not(monkeypatch, results):
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    monkeypatch.setenv("SLURMD_NODENAME", "node-07")
    make_kernel(results)
    (record,) = records(results)
    assert record["execution"]["slurm"] == {"job": "4711", "restarts": "2"}
    assert record["execution"]["node"] == "node-07"
    for name in "ip-10-0-0-17", "":
        monkeypatch.setenv("SLURMD_NODENAME", name)
        assert node().startswith("machine-")


def picture(suffix: str) -> bytes:
    import io

    figure, content = Figure(figsize=(2, 2)), io.BytesIO()
    figure.subplots().plot([0, 1, 2])
    dateless = {"CreationDate": None} if suffix == "pdf" else {"Software": None}
    figure.savefig(content, format=suffix, metadata=dateless)
    return content.getvalue()


KEY, OTHER = "a" * 64, "b" * 64


def test_a_png_holds_the_key_and_the_same_pixels():
    import io

    import matplotlib.image

    plain = picture("png")
    held = stamped(plain, KEY)
    assert key_in(plain) is None and key_in(held) == KEY and held == stamped(plain, KEY)
    assert stamped(held, OTHER) == stamped(plain, OTHER)
    at = 8
    while at < len(held):  # every chunk is whole
        length, kind = struct.unpack(">I4s", held[at : at + 8])
        body = held[at + 4 : at + 8 + length]
        assert struct.unpack(">I", held[at + 8 + length : at + 12 + length])[0] == zlib.crc32(body)
        at += 12 + length
    assert kind == b"IEND"
    pixels = [matplotlib.image.imread(io.BytesIO(content)) for content in (plain, held)]
    assert (pixels[0] == pixels[1]).all()


def test_a_pdf_holds_the_key_where_a_reader_looks():
    plain = picture("pdf")
    held = stamped(plain, KEY)
    assert key_in(plain) is None and key_in(held) == KEY and held == stamped(plain, KEY)
    assert held.startswith(plain) and held.endswith(b"%%EOF\n")
    start = int(held.rpartition(b"startxref\n")[2].split()[0])
    assert held[start:].startswith(b"xref\n")
    number, count = map(int, held[start:].split(b"\n")[1].split())
    offset = int(held[start:].split(b"\n")[2].split()[0])
    assert count == 1 and held[offset:].startswith(b"%d 0 obj" % number)


def test_what_is_no_picture_stays():
    assert stamped(b"text", KEY) == b"text" and stamped(b"%PDF-1.4 odd", KEY) == b"%PDF-1.4 odd"


def test_the_smallest_job_is_recorded_in_no_time(results, monkeypatch):
    make_kernel(results)
    monkeypatch.setattr(measure, "run", lambda arguments: None)
    took = []
    for _ in range(5):
        began = time.process_time()
        make_measures(results)
        took.append(time.process_time() - began)
    assert min(took) < 0.3
