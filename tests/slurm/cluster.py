"""A real SLURM on this machine: two nodes with two fake GPUs each (or eight shards), accounting, partitions.

For tests, as root, without systemd. SLURM finds its configuration only in its default folder (the executor
strips SLURM_* from a job's environment), so there is one such cluster on a machine; a lock makes others wait.
"""

import contextlib
import fcntl
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from users import OTHER

CONFIGURATION = Path("/etc/slurm")
OURS = "# Written by tests/slurm/cluster.py"
LOCK = Path("/run/lock/hallmarks-slurm")
PROGRAMS = ["slurmctld", "slurmd", "sbatch", "sacctmgr", "slurmdbd", "munged", "mariadbd"]
NODES = ["n1", "n2"]
# Existing, distinct character devices stand for GPUs: a Count without a File makes a node invalid.
GPUS = ["/dev/null", "/dev/zero"]
SLURM = """{ours}
ClusterName=hallmarks
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=26817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=0,sched_interval=1,bf_interval=1
ReturnToService=2
SlurmdTimeout=300
InactiveLimit=0
KillWait=5
MinJobAge=3600
GresTypes=gpu,shard
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
{accounting}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=26821 CPUs=8 RealMemory=16000 Gres=gpu:2,shard:8
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=26822 CPUs=8 RealMemory=16000 Gres=gpu:2,shard:8
PartitionName=cpu Nodes=ALL Default=YES PriorityTier=5 PreemptMode=OFF
PartitionName=gpu Nodes=ALL PriorityTier=5 PreemptMode=OFF
PartitionName=requeued Nodes=ALL PriorityTier=1 PreemptMode=REQUEUE
PartitionName=cancelled Nodes=ALL PriorityTier=1 PreemptMode=CANCEL
PartitionName=urgent Nodes=ALL PriorityTier=10 PreemptMode=OFF
"""
ACCOUNTING = """AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=26819
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment"""
SLURMDBD = """{ours}
AuthType=auth/munge
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=26819
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=26306
StorageUser=root
StorageLoc=slurm
"""


def why_not() -> str | None:
    """Why no cluster can be had on this machine, in a line; None where one can."""
    if os.geteuid() != 0:
        return "SLURM tests need root"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"SLURM tests need Debian's slurmctld slurmd slurmdbd munge mariadb-server (no {missing[0]})"
    present = CONFIGURATION / "slurm.conf"
    if present.exists() and not present.read_text().startswith(OURS):
        return f"SLURM tests keep off a machine that has a {present} of its own"
    return None


def until(condition: Callable[[], object], what: str, seconds: float = 240) -> object:
    """The first true value of `condition()`; AssertionError naming `what` where none comes in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.1)
    return value


def ask(*command: str) -> str:
    """A command's output. Raises RuntimeError with what it said where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def answers(*command: str) -> bool:
    """Whether a command succeeds."""
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    return done.returncode == 0


class Cluster:
    """`with Cluster() as cluster:` brings it up, and takes it down with every job in it."""

    def __enter__(self) -> "Cluster":
        self.lock = LOCK.open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.folder = Path(tempfile.mkdtemp(prefix="hallmarks-slurm-"))
        self.folder.chmod(0o755)
        self.daemons: dict[str, subprocess.Popen] = {}
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(self) -> None:
        """Start everything, each part once the one it needs answers."""
        self.configure()
        if not answers("munge", "-n"):
            Path("/run/munge").mkdir(exist_ok=True)
            Path("/run/munge").chmod(0o755)
            key = self.folder / "munge.key"
            key.write_bytes(os.urandom(128))
            key.chmod(0o600)
            files = [f"--{name}-file={self.folder}/munged.{name}" for name in ("log", "pid", "seed")]
            self.start("munged", "munged", "--foreground", "--force", f"--key-file={key}", *files)
            until(lambda: answers("munge", "-n"), "munge")
        self.start_database()
        self.start_accounting()
        until(lambda: answers("sacctmgr", "-i", "add", "cluster", "hallmarks"), "a cluster with accounting")
        ask("sacctmgr", "-i", "add", "account", "lab", "Cluster=hallmarks")
        ask("sacctmgr", "-i", "add", "user", f"root,{OTHER}", "Account=lab", "DefaultAccount=lab")
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        until(self.idle, "both nodes")

    def configure(self, accounting: str = ACCOUNTING) -> None:
        """Write SLURM's files."""
        filled = {"ours": OURS, "folder": self.folder, "host": socket.gethostname(), "accounting": accounting}
        CONFIGURATION.mkdir(exist_ok=True)
        (CONFIGURATION / "slurm.conf").write_text(SLURM.format(**filled))
        (CONFIGURATION / "slurmdbd.conf").write_text(SLURMDBD.format(**filled))
        (CONFIGURATION / "slurmdbd.conf").chmod(0o600)
        gres = [f"Name=gpu File={device}" for device in GPUS] + ["Name=shard Count=8"]
        lines = [f"NodeName={node} {each}" for node in NODES for each in gres]
        (CONFIGURATION / "gres.conf").write_text("\n".join([OURS, *lines, ""]))

    def start(self, name: str, *command: str) -> None:
        """Start a daemon in the foreground, in a session of its own; it ends with this process."""
        command = ("setpriv", "--pdeathsig", "KILL", *command)
        with (self.folder / f"{name}.out").open("a") as output:
            self.daemons[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def stop(self, name: str, with_signal: int = signal.SIGTERM) -> None:
        """End a daemon and wait for it."""
        daemon = self.daemons.pop(name, None)
        if daemon:
            daemon.send_signal(with_signal)
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def start_database(self) -> None:
        data = self.folder / "database"
        if not data.exists():
            ask("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db")
        self.start(
            "mariadbd",
            *["mariadbd", "--no-defaults", "--user=root", "--skip-grant-tables", f"--datadir={data}"],
            *["--bind-address=127.0.0.1", "--port=26306", f"--socket={self.folder}/database.socket"],
            "--innodb-flush-log-at-trx-commit=0",
        )
        ping = ["mariadb-admin", "--no-defaults", f"--socket={self.folder}/database.socket", "ping"]
        until(lambda: answers(*ping), "the database")

    def start_accounting(self) -> None:
        self.start("slurmdbd", "slurmdbd", "-D")
        until(lambda: listens(26819), "slurmdbd")

    def start_controller(self) -> None:
        for name in ("state", *(f"spool-{node}" for node in NODES)):
            (self.folder / name).mkdir(exist_ok=True)
        self.start("slurmctld", "slurmctld", "-D")
        until(lambda: answers("scontrol", "ping"), "slurmctld")

    def start_node(self, node: str) -> None:
        self.start(node, "slurmd", "-D", "-N", node)

    def idle(self) -> bool:
        """Whether every node is up and free."""
        states = ask("sinfo", "-h", "-N", "-p", "cpu", "-o", "%N %T").splitlines()
        return states == [f"{node} idle" for node in NODES]

    def lose_power(self, node: str) -> None:
        """End a node's slurmd and all that its jobs run at once, as nothing on it could tell anybody."""
        self.stop(node, signal.SIGKILL)
        tasks = [pid for pid in processes() if f"SLURMD_NODENAME={node}\0" in read(f"{pid}/environ")]
        parents = {int(read(f"{pid}/stat").rpartition(")")[2].split()[1]) for pid in tasks}
        steps = [pid for pid in parents if read(f"{pid}/comm").startswith("slurmstepd")]
        for pid in [*steps, *tasks]:  # a step that lived on would report its tasks
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextlib.contextmanager
    def without_accounting(self) -> Iterator[None]:
        """A site that has no accounting database at all."""
        self.stop("slurmctld")
        self.stop("slurmdbd")
        self.configure("AccountingStorageType=accounting_storage/none")
        try:
            self.start_controller()
            yield
        finally:
            self.stop("slurmctld")
            self.configure()
            self.start_accounting()
            self.start_controller()

    def reset(self) -> None:
        """Between tests: every daemon up, no job, every node free."""
        parts = {"mariadbd": self.start_database, "slurmdbd": self.start_accounting}
        parts |= {"slurmctld": self.start_controller}
        parts |= {node: functools.partial(self.start_node, node) for node in NODES}
        for name, start in parts.items():
            if name not in self.daemons:
                start()
        self.empty_queue()
        until(self.idle, "both nodes")

    def empty_queue(self) -> None:
        """End every job."""
        for user in ("root", OTHER):
            ask("scancel", f"--user={user}", "--full")
        until(lambda: not ask("squeue", "-h"), "an empty queue")

    def down(self) -> None:
        """End every job, then every daemon; leave no file."""
        if "slurmctld" in self.daemons and answers("scontrol", "ping"):
            self.empty_queue()
        for name in [*NODES, "slurmctld", "slurmdbd", "mariadbd", "munged"]:
            self.stop(name)
        for name in ("slurm.conf", "slurmdbd.conf", "gres.conf"):
            (CONFIGURATION / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.lock.close()

    def logs(self) -> str:
        """The end of every daemon's log."""
        paths = sorted(self.folder.glob("*.log"))
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-800:]}" for path in paths)


def processes() -> list[int]:
    """Every process of this machine."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def read(name: str) -> str:
    """A file of /proc, empty where its process has ended."""
    try:
        return Path("/proc", name).read_text(errors="replace")
    except OSError:
        return ""


def listens(port: int) -> bool:
    """Whether something on this machine answers at a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    reason = why_not()
    if reason:
        sys.exit(reason)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with Cluster():
        print(f"up after {time.monotonic() - began:.1f} s; SIGTERM takes it down", flush=True)
        signal.pause()
