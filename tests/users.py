"""Another Unix user, who can run this interpreter though it lies in folders that are root's alone."""

import pwd
import site
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

OTHER = "games"  # a user that every Debian has


class User:
    """`options` and `environment` for subprocess make a process this user's.

    The interpreter and its packages are mounted where everybody can read them, until `close`. Raises
    CalledProcessError where nothing can be mounted.
    """

    def __init__(self, name: str, sources: Path, home: Path):
        group = pwd.getpwnam(name).pw_gid
        self.options: dict[str, Any] = {"user": name, "group": group, "extra_groups": [], "umask": 0o002}
        self.mounts: list[Path] = []
        for source in (sys.base_prefix, site.getsitepackages()[0]):
            self.mounts.append(Path(tempfile.mkdtemp(prefix="hallmarks-mount-")))
            subprocess.run(["mount", "-o", "bind,ro", source, str(self.mounts[-1])], check=True)
        prefix, packages = self.mounts
        self.python = prefix / "bin" / f"python3.{sys.version_info.minor}"
        self.environment = {
            "HOME": str(home),
            "PYTHONPATH": f"{sources}:{packages}",
            "LD_LIBRARY_PATH": f"{prefix}/lib",
        }

    def close(self) -> None:
        """Take the mounts away."""
        for mount in self.mounts:
            subprocess.run(["umount", "--lazy", str(mount)], check=True)
            mount.rmdir()
