"""A kernel of checkpoints on a hub against only downloading their bytes, from a server of this machine.

    PYTHONPATH=tests/hub python benchmarks/hub.py

The server (tests/hub/server.py, a process of its own) makes the bytes up, at a stated rate in all and with a
stated delay before each answer; with --tls it encrypts them, as a hub does. Prints a Markdown table.
"""

import argparse
import json
import os
import platform
import re
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from server import Hub, Repeated

from hallmarks.kernel.file import Kernel
from hallmarks.kernel.partial import beside
from hallmarks.kernel.streamed import write_streamed
from hallmarks.machine import cores
from hallmarks.trajectory.checkpoints import Checkpoint, Checkpoints
from hallmarks.trajectory.formats import read_tensors
from hallmarks.trajectory.transport.client import PIECE, asked
from hallmarks.trajectory.transport.ranges import IN_FLIGHT, LARGEST
from hallmarks.trajectory.transport.remote import RemoteFile

WIDTH = 2048  # of the square layers


def header(layers: int) -> tuple[bytes, int]:
    """A safetensors header of so many square float16 layers, a vector behind each; and the tensors' bytes."""
    told, at = {}, 0
    for layer in range(layers):
        for name, shape in {"weight": [WIDTH, WIDTH], "bias": [WIDTH]}.items():
            end = at + 2 * int(np.prod(shape))
            told[f"{layer}.{name}"] = {"dtype": "F16", "shape": shape, "data_offsets": [at, end]}
            at = end
    text = json.dumps(told).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, at


def make_certificate(path: Path) -> None:
    """A certificate of this machine, signed by itself, and its key."""
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name]
    subprocess.run([*command, "-keyout", path, "-out", f"{path}.own"], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.own").read_text())


def encrypt(hub: Hub, certificate: str) -> None:
    """Have both ports speak TLS; a connection's own thread shakes hands."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    for port in hub.ports.values():
        port.socket = context.wrap_socket(port.socket, server_side=True, do_handshake_on_connect=False)
    hub.url, hub.store_url = (url.replace("http:", "https:") for url in (hub.url, hub.store_url))


def serve(points: int, layers: int, rate: float, delay: float, certificate: str = "") -> None:
    """Answer until the input ends; at each of its lines say how many bytes were sent."""
    beginning, count = header(layers)
    block = np.random.default_rng(0).standard_normal(2**23).astype(np.float16).tobytes()
    with Hub(rate or None, delay) as hub:
        if certificate:
            encrypt(hub, certificate)
        for t in range(points):
            content = Repeated(beginning, block, len(beginning) + count, turned=2 * 4099 * t)
            hub.add("org/model", f"commit{t}", "model.safetensors", content, digest=f"{t:064x}")
        files = [hub.remote("org/model", f"commit{t}", "model.safetensors") for t in range(points)]
        told = [(file.url, file.size, file.etag, file.sha256, file.label) for file in files]
        print(
            json.dumps([told, [hub.sign(f"/store/{file.url.split('/', 3)[3]}") for file in files]]),
            flush=True,
        )
        for _ in sys.stdin:
            print(hub.sent(), flush=True)


class Server:
    """The server in a process of its own."""

    def __init__(self, points: int, layers: int, rate: float, delay: float, certificate: str = ""):
        words = ["serve", str(points), str(layers), str(rate), str(delay), certificate]
        command = [sys.executable, __file__, *words]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        told, self.signed = json.loads(self.process.stdout.readline())
        self.files = [RemoteFile(*each) for each in told]

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait()

    def sent(self) -> int:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


def points_of(files: Sequence[RemoteFile]) -> Checkpoints:
    return Checkpoints([Checkpoint(f, t, t, read_tensors(f)) for t, f in enumerate(files)], "", None)


def download(found: Checkpoints, signed: Sequence[str]) -> None:
    """The tensors' bytes by ranges as long, in the same order and as many at once, into nothing."""
    first = found.points[0].tensors.values()
    begin, end = min(t.offset for t in first), max(t.offset + t.bytes for t in first)
    ranges = [(url, at, min(at + LARGEST, end)) for at in range(begin, end, LARGEST) for url in signed]

    def get(told: tuple[str, int, int]) -> None:
        url, begin, end = told
        headers = {"Range": f"bytes={begin}-{end - 1}", "Accept-Encoding": "identity"}
        with asked("GET", url, headers, 60) as answer:
            got = sum(map(len, iter(lambda: answer.read(PIECE), b"")))
        assert (answer.status, got) == (206, end - begin)

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(get, ranges))


def stream(found: Checkpoints, output: Path) -> Kernel:
    return write_streamed(found, output)


def peak(points: int, layers: int) -> tuple[float, float, float]:
    """GB resident at most in a process that streams so many points, GB streamed, and GB of the kernel."""
    done = subprocess.run(
        [sys.executable, __file__, "peak", str(points), str(layers)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return tuple(map(float, done.stdout.split()))


def measure_peak(points: int, layers: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Server(points, layers, 0, 0) as server:
        found, output = points_of(server.files), Path(folder) / "k.npz"
        stream(found, output)
        told = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        size = sum(tensor.bytes for point in found.points for tensor in point.tensors.values())
        print(int(told.group(1)) * 1024 / 1e9, size / 1e9, output.stat().st_size / 1e9)


def ratio(one: Sequence[float], other: Sequence[float]) -> str:
    """one / other, by the median of pairs, and the least and most."""
    ratios = np.array(one) / np.array(other)
    return f"{np.median(ratios):.2f}× ({ratios.min():.2f} … {ratios.max():.2f})"


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        return serve(*map(int, sys.argv[2:4]), *map(float, sys.argv[4:6]), sys.argv[6])
    if sys.argv[1:2] == ["peak"]:
        return measure_peak(*map(int, sys.argv[2:4]))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=39)
    parser.add_argument("--layers", type=int, default=8, help="8.4 MB each")
    parser.add_argument("--rate", type=float, default=200, help="MB/s of the server, 0 for what it can")
    parser.add_argument("--delay", type=float, default=50, help="milliseconds before each answer")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tls", action="store_true", help="by a certificate that openssl makes")
    parser.add_argument("--no-peak", dest="peak", action="store_false")
    arguments = parser.parse_args()
    loading, kernel, cpu, alone, fetched = [], [], [], [], []
    with ExitStack() as stack:
        folder, certificate = stack.enter_context(tempfile.TemporaryDirectory()), ""
        if arguments.tls:
            certificate = os.environ["SSL_CERT_FILE"] = f"{folder}/certificate.pem"
            make_certificate(Path(certificate))
        kinds = arguments.points, arguments.layers, arguments.rate * 1e6, arguments.delay / 1e3, certificate
        server = stack.enter_context(Server(*kinds))
        found = points_of(server.files)
        size = sum(tensor.bytes for point in found.points for tensor in point.tensors.values())
        for repeat in range(arguments.repeats):
            before, start = sum(os.times()[:2]), time.perf_counter()
            download(found, server.signed)
            loading.append(time.perf_counter() - start)
            alone.append((sum(os.times()[:2]) - before) / (size / 1e9))
            sent, before, start = server.sent(), sum(os.times()[:2]), time.perf_counter()
            stream(found, Path(folder) / f"{repeat}.npz")
            kernel.append(time.perf_counter() - start)
            cpu.append((sum(os.times()[:2]) - before) / (size / 1e9))
            fetched.append((server.sent() - sent) / size)
            print(f"{loading[-1]:.1f} s, {kernel[-1]:.1f} s", file=sys.stderr)
        one, other = (Kernel.load(Path(folder) / f"{repeat}.npz") for repeat in (0, arguments.repeats - 1))
        same = (one.increments_gram == other.increments_gram).all()
        assert not list(Path(folder).glob("*.partial")) and beside(Path("k.npz")).name == "k.npz.partial"
    rate = f"{arguments.rate:g} MB/s" if arguments.rate else "its own rate"
    rate += ", TLS" if arguments.tls else ""
    rows = [
        (f"server at {rate}, {arguments.delay:g} ms", f"{arguments.points} points, {size / 1e9:.2f} GB"),
        ("downloading alone", f"{size / np.median(loading) / 1e6:.0f} MB/s"),
        ("kernel", f"{size / np.median(kernel) / 1e6:.0f} MB/s"),
        ("… against downloading", ratio(loading, kernel)),
        ("bytes fetched / bytes of the tensors", f"{max(fetched):.4f}×"),
        ("CPU seconds a GB", f"{np.median(cpu):.2f} ({min(cpu):.2f} … {max(cpu):.2f})"),
        ("… of downloading alone", f"{np.median(alone):.2f} ({min(alone):.2f} … {max(alone):.2f})"),
        ("runs, same bits", str(bool(same))),
    ]
    if arguments.peak:
        for layers in (arguments.layers, 4 * arguments.layers):
            resident, streamed, output = peak(arguments.points, layers)
            what = f"peak resident memory, {streamed:.1f} GB streamed"
            rows.append((what, f"{resident:.3f} GB; kernel {output * 1e3:.1f} MB"))
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    load = os.getloadavg()[2]
    print(
        f"{model.group(1) if model else platform.machine()}, {cores()} cores, mean load {load:.1f}, "
        f"{time.strftime('%F')}\n\n| what | measured |\n|---|---|"
    )
    for what, measured in rows:
        print(f"| {what} | {measured} |")


if __name__ == "__main__":
    main()
