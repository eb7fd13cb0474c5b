"""Files of the hub kept on a disk, as its own client lays them out; each compared with its digest."""

import hashlib
from pathlib import Path

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HTTPError, LocalEntryNotFoundError

from hallmarks.errors import UserError
from hallmarks.files import sha256
from hallmarks.trajectory.hub.listing import Hub, is_offline
from hallmarks.trajectory.hub.lock import Revision


class Cache:
    """A folder that keeps what is read, and has it next time."""

    def __init__(self, folder: Path | None, hub: Hub):
        """Without a folder it is the client's own, HF_HUB_CACHE."""
        self.folder, self.hub = folder, hub
        self.known: dict[tuple[str, str, str], Path] = {}

    def place(self, revision: Revision, name: str) -> Path:
        """Where a file lies, fetched where it is not. Raises UserError where it is not the locked one."""
        key = revision.repository, revision.commit, (f"{revision.folder}/" if revision.folder else "") + name
        if key not in self.known:
            self.known[key] = self.fetched(revision, name, *key)
        return self.known[key]

    def fetched(self, revision: Revision, name: str, repository: str, commit: str, inside: str) -> Path:
        def ask() -> str:
            return hf_hub_download(
                repository, inside, revision=commit, cache_dir=self.folder, endpoint=self.hub.endpoint
            )

        label = f"{revision.label}/{inside}"
        try:
            path = Path(self.hub.asked(label, ask) if not is_offline() else ask())
        except LocalEntryNotFoundError:
            where = self.folder or "the hub's cache (HF_HUB_CACHE)"
            why = (
                "HF_HUB_OFFLINE is set, and it"
                if is_offline()
                else f"{self.hub.endpoint} does not answer, and it"
            )
            raise UserError(f"{label}: {why} is not in {where}; fetch it once with a network") from None
        except (HfHubHTTPError, HTTPError, OSError) as error:
            raise UserError(f"{label}: cannot be kept ({str(error).splitlines()[0]})") from None
        file = revision.files[name]
        if path.stat().st_size != file.size or digest_of(path, file.sha256) != file.digest:
            raise UserError(
                f"{label}: {path} is not the file that is locked (its digest is another): remove it, "
                "and it is fetched again"
            )
        return path


def digest_of(path: Path, large: str | None) -> str:
    """SHA-256 of a large file, of any other what git calls it by: SHA-1 of its size and content."""
    if large:
        return sha256(path)
    content = path.read_bytes()
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
