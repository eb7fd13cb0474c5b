"""Kernels of points on a hub: the bits of those on a disk, whatever goes wrong, or one clear line."""

import math
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hub import faults
from hub.server import Fault, Hub, Request
from huggingface_hub import constants
from safetensors.torch import save_file

from hallmarks.errors import UserError
from hallmarks.kernel import gram, partial, streamed
from hallmarks.kernel.compute import write_kernel
from hallmarks.kernel.file import Kernel
from hallmarks.kernel.partial import Partial, beside
from hallmarks.kernel.streamed import write_streamed
from hallmarks.kernel.sums import Sums
from hallmarks.trajectory import bands
from hallmarks.trajectory.checkpoints import Checkpoint, Checkpoints
from hallmarks.trajectory.formats import read_tensors
from hallmarks.trajectory.transport import http, open_file, ranges, read_bytes

REPOSITORY = "org/model"
SHAPES = {"embed": (300, 400), "0.weight": (200, 401), "0.bias": (401,), "1.weight": (250, 300), "scale": ()}
KINDS = ("safetensors", "bin")


def walk(n: int, dtype=torch.float16) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    point = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    points = []
    for _ in range(n):
        point = {name: v + 0.01 * torch.randn(v.shape, generator=generator) for name, v in point.items()}
        points.append({name: value.to(dtype) for name, value in point.items()})
    return points


def write(points: list[dict[str, torch.Tensor]], folder: Path, kind: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    files = [folder / f"step{t}.{kind}" for t in range(len(points))]
    for file, point in zip(files, points, strict=True):
        save_file(point, file) if kind == "safetensors" else torch.save(point, file)
    return files


def checkpoints(files) -> Checkpoints:
    """Points of one file each, on a disk or a hub, with their tensors in the order of their names."""
    points = [Checkpoint(file, t, t, read_tensors(file)) for t, file in enumerate(files)]
    names = sorted(points[0].tensors)
    points = [Checkpoint(p.path, p.step, p.epoch, {name: p.tensors[name] for name in names}) for p in points]
    return Checkpoints(points, "", None)


@pytest.fixture
def hub():
    with Hub() as hub:
        yield hub


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Small segments and ranges, and little patience."""
    monkeypatch.setattr(gram, "ROW_BYTES", 2**15)
    monkeypatch.setattr(bands, "LONGEST", 2**16)
    monkeypatch.setattr(http, "BACK_OFF", 0.01)
    monkeypatch.setattr(http, "TRIES", 4)
    ranges.edge.cache_clear()


@pytest.fixture
def impatient(monkeypatch):
    """Silence is noticed soon."""
    monkeypatch.setattr(http, "TRIES", 2)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 2)
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 2)


@pytest.fixture
def published(hub, tmp_path):
    """Puts points on the hub: their remote files, and the kernel of the same points on the disk."""

    def published(points, kind: str):
        files = write(points, tmp_path / kind, kind)
        for t, file in enumerate(files):
            hub.add(REPOSITORY, f"commit{t}", f"model.{kind}", file)
        remote = [hub.remote(REPOSITORY, f"commit{t}", f"model.{kind}") for t in range(len(files))]
        return remote, write_kernel(checkpoints(files), tmp_path / f"{kind}-disk.npz")

    return published


def assert_same(one: Kernel, other: Kernel) -> None:
    assert one.groups == other.groups and one.storage == other.storage
    np.testing.assert_array_equal(one.increments_gram, other.increments_gram)
    assert one.increments_gram.any()
    if one.digests is not None and other.digests is not None:
        np.testing.assert_array_equal(one.digests, other.digests)


def ranged(hub: Hub) -> list[Request]:
    return [request for request in hub.requests if request.port == "store" and request.range]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bits_each_byte_once_and_the_token_to_the_hub_alone(
    hub, published, kind, tmp_path, monkeypatch
):
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", "secret")
    hub.token = "secret"
    files, disk = published(walk(5), kind)
    found = checkpoints(files)
    heads = len(ranged(hub))
    assert heads == {"safetensors": 1, "bin": 2}[kind] * len(files)
    assert hub.sent() == heads * ranges.EDGE
    before = hub.sent()
    assert_same(write_streamed(found, tmp_path / "k.npz"), disk)
    tensors = sum(tensor.bytes for point in found.points for tensor in point.tensors.values())
    assert hub.sent() - before <= 1.02 * tensors
    asked = [request.range for request in ranged(hub)[heads:]]
    assert max(end - begin for begin, end in asked) > 2**15
    assert all(request.headers["accept-encoding"] == "identity" for request in hub.requests)
    assert {r.headers.get("authorization") for r in hub.requests if r.port == "hub"} == {"Bearer secret"}
    assert not any("authorization" in r.headers for r in hub.requests if r.port == "store")
    assert sum(request.port == "hub" for request in hub.requests) == len(files)  # resolved once each
    assert not beside(tmp_path / "k.npz").exists()


def test_a_token_of_one_hub_goes_to_no_other(hub, published, monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "ENDPOINT", "https://huggingface.co")
    monkeypatch.setenv("HF_TOKEN", "secret")
    files, disk = published(walk(2), "safetensors")
    assert_same(write_streamed(checkpoints(files), tmp_path / "k.npz"), disk)
    assert not any("authorization" in request.headers for request in hub.requests)


def test_a_file_that_the_hub_keeps_itself(hub, published, tmp_path):
    files, disk = published(walk(3), "safetensors")
    for entry in hub.files.values():
        entry.stored = False
    assert_same(write_streamed(checkpoints(files), tmp_path / "k.npz"), disk)
    assert hub.sent("hub") and not hub.sent("store")


def test_order_and_types_may_differ_from_point_to_point(hub, tmp_path):
    points = walk(4)
    points[1] = dict(reversed(points[1].items()))
    points[2] = {name: value.float() for name, value in points[2].items()}
    points[3] = {
        name: points[3][name].bfloat16() for name in ["scale", "1.weight", "embed", "0.bias", "0.weight"]
    }
    files = write(points, tmp_path / "bin", "bin")  # torch's files keep the order in which they are saved
    for t, file in enumerate(files):
        hub.add(REPOSITORY, f"commit{t}", "model.bin", file)
    found = checkpoints([hub.remote(REPOSITORY, f"commit{t}", "model.bin") for t in range(4)])
    orders = {tuple(sorted(p.tensors, key=lambda name: p.tensors[name].offset)) for p in found.points}
    assert len(orders) == 3
    before = hub.sent()
    disk = write_kernel(checkpoints(files), tmp_path / "disk.npz")
    assert_same(write_streamed(found, tmp_path / "k.npz"), disk)
    tensors = sum(tensor.bytes for point in found.points for tensor in point.tensors.values())
    assert hub.sent() - before <= 1.02 * tensors


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_equal_tensors_have_equal_digests_in_whichever_order(hub, tmp_path, precision, monkeypatch):
    """Of fused tensors and others, in files that lie differently; a number that differs is seen."""
    points = walk(4, torch.float32)
    points[1]["embed"] = points[3]["embed"].clone()
    points[2]["0.weight"] = points[0]["0.weight"].clone()
    points[2]["0.weight"][150, 7] += 1e-6
    points[3]["1.weight"] = points[0]["1.weight"].roll(1, 0)
    points[3] = dict(reversed(points[3].items()))
    files = write(points, tmp_path / "bin", "bin")
    for t, file in enumerate(files):
        hub.add(REPOSITORY, f"commit{t}", "model.bin", file)
    monkeypatch.setattr(streamed, "segment_size", lambda *_: 2**12)
    found = checkpoints([hub.remote(REPOSITORY, f"commit{t}", "model.bin") for t in range(4)])
    kernel = write_streamed(found, tmp_path / "k.npz", precision=precision)
    for group, digests in zip(kernel.groups, Kernel.load(tmp_path / "k.npz").digests, strict=True):
        assert len(np.unique(digests)) == (3 if group == "embed" else 4), group
        assert (digests[1] == digests[3]) == (group == "embed")


def test_what_is_done_is_half_as_large_as_the_kernel(tmp_path):
    gram = np.random.default_rng(0).standard_normal((20, 60, 60))
    gram = gram + gram.transpose(0, 2, 1)
    begun = Partial(
        tmp_path / "k", "lock", 1, "float64", partial.versions(), 1, gram, np.ones((20, 60), np.uint64)
    )
    begun.save()
    assert (tmp_path / "k").stat().st_size < 0.55 * gram.nbytes
    again = partial.begun(tmp_path / "k", "lock", 1, "float64", 20, 60)
    np.testing.assert_array_equal(again.gram, gram)
    begun.gram[3, 1, 2] += 1  # as a device's may be
    begun.save()
    again = partial.begun(tmp_path / "k", "lock", 1, "float64", 20, 60)
    np.testing.assert_array_equal(again.gram, gram)


def test_a_proxy_of_the_environment_is_asked(hub, monkeypatch, tmp_path):
    hub.add(REPOSITORY, "commit", "model.bin", bytes(range(256)) * 2**10, stored=False)
    told = hub.remote(REPOSITORY, "commit", "model.bin")
    far = replace(told, url=told.url.replace(hub.url, "http://hub.invalid"))
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", hub.url.replace("//", "//me:secret@"))
    assert read_bytes(open_file(far), 2**17, 8) == bytes(range(8))
    assert {r.headers["proxy-authorization"] for r in hub.requests} == {"Basic bWU6c2VjcmV0"}
    monkeypatch.setenv("NO_PROXY", "hub.invalid")
    with pytest.raises(UserError, match="cannot be reached"):
        read_bytes(open_file(far), 2**17, 8)
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(UserError, match="a proxy of the kind socks5:// is not spoken to"):
        read_bytes(open_file(far), 2**17, 8)


def test_a_buffer_that_is_left_out_is_not_fetched(hub, tmp_path):
    points = [{"mask": torch.ones(400, 400), **point} for point in walk(3)]
    files = write(points, tmp_path / "bin", "bin")
    for t, file in enumerate(files):
        hub.add(REPOSITORY, f"commit{t}", "model.bin", file)
    found = checkpoints([hub.remote(REPOSITORY, f"commit{t}", "model.bin") for t in range(3)])
    for point in found.points:
        del point.tensors["mask"]
    before = hub.sent()
    write_streamed(found, tmp_path / "k.npz")
    tensors = sum(tensor.bytes for point in found.points for tensor in point.tensors.values())
    assert hub.sent() - before <= 1.02 * tensors


def test_little_is_held_at_once(hub, published, tmp_path, monkeypatch):
    """Two bands of all points, however long the files are."""
    files, _ = published(walk(6), "safetensors")
    found, held, most = checkpoints(files), [0], [0]
    lock = threading.Lock()

    class Counted(ranges.Window):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            with lock:
                held[0] += self.end - self.begin
                most[0] = max(most[0], held[0])

        def __del__(self):
            held[0] -= self.end - self.begin

    monkeypatch.setattr(ranges, "Window", Counted)
    monkeypatch.setattr(bands, "LONGEST", 2**18)
    monkeypatch.setattr(streamed, "segment_size", lambda *_: 2**12)
    held_by_bands = 2 * 6 * 2**15
    monkeypatch.setattr(bands.bands, "__defaults__", (held_by_bands,))
    write_streamed(found, tmp_path / "k.npz")
    assert held_by_bands / 2 < most[0] <= held_by_bands + 6 * bands.GAP


def middle(request: Request) -> bool:
    return request.range is not None and request.range[0] >= 2**17


ONCE = {
    "ignored": faults.ignored,
    "shifted": faults.shifted,
    "short": faults.short,
    "mute short": faults.mute_short,
    "cut": faults.cut,
    "cut without a length": faults.cut_without_length,
    "too long": faults.too_long,
    "429, ratelimit": faults.limited(1),
    "429, Retry-After": faults.limited(1, "retry-after"),
    "429, a date": faults.limited(2, "date"),
    "429, nothing": faults.limited(0, "none"),
    "503": faults.unavailable,
    "silent": faults.silent,
    "silent within": faults.silent_within,
    "403": faults.status(403),
    "expired": faults.expired,
    "gzip": faults.gzipped,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ONCE)
def test_what_goes_wrong_once_is_asked_for_again(hub, published, kind, name, tmp_path, request):
    files, disk = published(walk(3), kind)
    found = checkpoints(files)
    if "silent" in name:
        request.getfixturevalue("impatient")
    fault = Fault(ONCE[name], when=middle)
    hub.faults.append(fault)
    assert_same(write_streamed(found, tmp_path / "k.npz"), disk)
    assert fault.times == 0


def test_a_store_that_moved_is_asked_the_hub_for(hub, published, tmp_path):
    files, disk = published(walk(2), "safetensors")
    found = checkpoints(files)
    for file in files:
        known = http._known(file)
        known.address = replace(known.address, url="http://127.0.0.1:1/gone")
    assert_same(write_streamed(found, tmp_path / "k.npz"), disk)


def test_a_limit_is_obeyed_by_all_requests_to_a_host(hub):
    for name in ("one", "other"):
        hub.add(REPOSITORY, "commit", name, bytes(2**20))
    one, other = (open_file(hub.remote(REPOSITORY, "commit", name)) for name in ("one", "other"))
    hub.faults.append(Fault(faults.limited(2), when=lambda request: request.path.endswith("one")))
    limited = threading.Thread(target=read_bytes, args=(one, 2**18, 8))
    limited.start()
    while not any(request.status == 429 for request in hub.requests):
        time.sleep(0.01)
    time.sleep(0.3)  # until the answer was read
    start = time.monotonic()
    assert read_bytes(other, 2**18, 8) == bytes(8)
    assert time.monotonic() - start > 1.5
    limited.join()


ALWAYS = {
    "ignored": (faults.ignored, "ranges are ignored (200 in place of 206); a proxy"),
    "shifted": (faults.shifted, "came where"),
    "short": (faults.short, "came where"),
    "mute short": (faults.mute_short, "bytes came where"),
    "cut": (faults.cut, "the connection broke"),
    "cut without a length": (faults.cut_without_length, "an answer was cut"),
    "too long": (faults.too_long, "more bytes came than were asked for"),
    "503": (faults.unavailable, "its store is out of order (503); the same command goes on"),
    "429": (faults.limited(0, "retry-after"), "too many requests (429)"),
    "429 for a day": (faults.limited(86400, "retry-after"), "none is answered for 86400 s"),
    "silent": (faults.silent, "nothing came for too long"),
    "silent within": (faults.silent_within, "nothing came for too long"),
    "403": (faults.status(403), "its signed address is refused (403)"),
    "gzip": (faults.gzipped, "a range was answered as gzip"),
    "changed": (faults.changed, "changed while it was read"),
    "wrong total": (faults.wrong_total, "bytes now, and had"),
    "416": (faults.status(416), "is shorter than"),
    "418": (faults.status(418), "its store answers 418"),
    "round in circles": (
        faults.elsewhere(lambda handler: f"{handler.server.url}{handler.path}"),
        "from one address to the next",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ALWAYS)
def test_what_goes_wrong_for_ever_is_one_line(hub, published, kind, name, tmp_path, request):
    request.getfixturevalue("monkeypatch").setattr(http, "LIMITED", 3)
    files, _ = published(walk(3), kind)
    found = checkpoints(files)
    if "silent" in name:
        request.getfixturevalue("impatient")
    act, said = ALWAYS[name]
    hub.faults.append(Fault(act, times=math.inf, when=lambda r: middle(r) and "commit1" in r.path))
    with pytest.raises(UserError) as refused:
        write_streamed(found, tmp_path / "k.npz")
    message = str(refused.value)
    assert message.startswith(f"org/model@commit1/model.{kind}: ") and said in message and "\n" not in message
    assert re.search("; .+|none is answered", message)  # what to do
    assert not (tmp_path / "k.npz").exists()


def test_the_hub_itself_goes_wrong(hub, published, tmp_path, monkeypatch, impatient):
    def refused(*changes: Fault) -> str:
        http._KNOWN.clear()
        ranges.edge.cache_clear()
        hub.faults[:] = changes
        with pytest.raises(UserError) as error:
            checkpoints(files)
        assert str(error.value).startswith("org/model@commit0/model.safetensors: ")
        return str(error.value)

    files, _ = published(walk(2), "safetensors")
    for act, said in [
        (faults.status(404), "is not there (404)"),
        (faults.status(401), "refused (401): it is private, gated or not there"),
        (faults.unavailable, "the hub is out of order (503)"),
        (faults.silent, "nothing came for too long"),
    ]:
        assert said in refused(Fault(act, port="hub", times=math.inf))
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", "wrong")
    hub.token = "right"
    assert "the token that was sent may not read it" in refused()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in refused()


def test_a_file_that_is_not_the_one_locked(hub, published, tmp_path):
    files, _ = published(walk(2), "safetensors")
    path = hub.files[REPOSITORY, "commit1", "model.safetensors"].content.path
    hub.add(REPOSITORY, "commit1", "model.safetensors", path.read_bytes()[::-1])
    with pytest.raises(UserError, match="commit1/model.safetensors: is another file than was locked"):
        checkpoints(files)
    hub.add(REPOSITORY, "commit1", "model.safetensors", path.read_bytes() + b" ")
    with pytest.raises(UserError, match="commit1/model.safetensors: has .* bytes now, and had"):
        checkpoints(files)


def test_nobody_answers(published, hub):
    files, _ = published(walk(2), "safetensors")
    hub.close()
    with pytest.raises(UserError, match="commit0/.*: cannot be reached .*check the network and HF_ENDPOINT"):
        checkpoints(files)


def test_a_signed_address_is_asked_for_again_before_it_expires(hub, published, tmp_path):
    hub.lifetime = 5.0  # in whole seconds, of which a quarter is left
    files, disk = published(walk(3), "safetensors")
    found = checkpoints(files)
    hub.rate = sum(file.size for file in files) / 6
    assert_same(write_streamed(found, tmp_path / "k.npz"), disk)
    assert sum(request.port == "hub" for request in hub.requests) > len(files)
    assert all(request.status == 206 for request in hub.requests if request.port == "store")


KILLED = """
import os, signal, sys
sys.path[:0] = sys.argv[1].split(":")
import hub.test_streaming as tests
from hallmarks.kernel import gram, partial, streamed
from hallmarks.trajectory import bands
from hallmarks.trajectory.transport.remote import RemoteFile
from pathlib import Path

bands.LONGEST, streamed.KEPT_EVERY = 2**16, 0.0
save, calls = streamed.Partial.save, []
def killed(partial):
    save(partial)
    calls.append(partial.done)
    if len(calls) == int(sys.argv[3]):
        os.kill(os.getpid(), int(sys.argv[4]))
streamed.Partial.save = killed
streamed.segment_size = lambda *_: 2**12
files = [RemoteFile(*told) for told in eval(sys.argv[5])]
streamed.write_streamed(tests.checkpoints(files), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("stopped", [signal.SIGKILL, signal.SIGINT])
def test_killed_half_way_it_goes_on_to_the_same_bits(hub, published, tmp_path, monkeypatch, stopped):
    files, _ = published(walk(6), "safetensors")
    elements = 2**12
    monkeypatch.setattr(streamed, "segment_size", lambda *_: elements)
    whole = write_streamed(checkpoints(files), tmp_path / "whole.npz")
    found = checkpoints(files)
    parts = streamed.groups(found)
    half = len(list(streamed.segments(parts.pieces, 2**12))) // 2
    told = repr([(f.url, f.size, f.etag, f.sha256, f.label) for f in files])
    output = tmp_path / "k.npz"
    path = ":".join(sys.path)
    command = [sys.executable, "-c", KILLED, path, output, str(half), str(int(stopped)), told]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == -stopped and not output.exists() and beside(output).exists()
    hub.requests.clear()
    elements = 2**11  # as on a machine with more cores
    monkeypatch.setattr(streamed, "cores", lambda: 3)
    assert_same(write_streamed(found, output), whole)
    everything = sum(tensor.bytes for point in found.points for tensor in point.tensors.values())
    assert 0.45 * everything < hub.sent() <= 0.55 * everything
    assert not beside(output).exists()


def test_what_lies_beside_the_kernel_is_of_this_kernel_or_refused(hub, published, tmp_path, capsys):
    files, disk = published(walk(3), "safetensors")
    found, output = checkpoints(files), tmp_path / "k.npz"
    hub.faults.append(Fault(faults.status(416), times=math.inf, when=middle))
    with pytest.raises(UserError, match="416"):
        write_streamed(found, output)
    hub.faults.clear()
    begun = beside(output)
    kept = begun.read_bytes()
    with pytest.raises(UserError, match="k.npz.partial: was begun of other checkpoints.*remove it"):
        write_streamed(checkpoints(files[:2]), output)
    with pytest.raises(UserError, match="k.npz.partial: was begun in float64, and this is in float32"):
        write_streamed(found, output, precision="float32")
    begun.write_bytes(kept[:-100])
    with pytest.raises(UserError, match="k.npz.partial: not a kernel begun.*remove it"):
        write_streamed(found, output)
    assert begun.read_bytes() == kept[:-100]
    begun.write_bytes(kept)
    assert_same(write_streamed(found, output), disk)
    assert "GB are done" in capsys.readouterr().err and not begun.exists()


def test_digests_of_bytes_tell_one_bit_and_order():
    sums = Sums(2**12)
    content = np.random.default_rng(0).integers(0, 256, 2**12 - 5, dtype=np.uint8)
    digests = {sums.of(memoryview(content)), sums.of(memoryview(np.roll(content, 8)))}
    for at in (0, 7, 2000, len(content) - 1):
        for bit in (1, 128):
            content[at] ^= bit
            digests.add(sums.of(memoryview(content)))
            content[at] ^= bit
    assert len(digests) == 10 and sums.of(memoryview(content.copy())) in digests
    assert sums.of(memoryview(b"")) == 0 and Sums(2**12).of(memoryview(content)) in digests
