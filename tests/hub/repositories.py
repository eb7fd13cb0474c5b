"""A hub that has repositories: what its API says of their branches, commits and files, beside the files."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from hub.server import Handler, Hub, Request


@dataclass
class Repository:
    """Its branches and tags, each at a commit, and the files of each commit by name."""

    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)


class Repositories(Hub):
    """As huggingface.co answers `huggingface_hub`, as far as it is asked."""

    def __init__(self, **options):
        self.repositories: dict[str, Repository] = {}
        super().__init__(**options)

    def publish(self, name: str, branch: str, files: dict[str, bytes], tag: bool = False) -> str:
        """A commit of these files, and a branch or tag at it; the commit."""
        repository = self.repositories.setdefault(name, Repository())
        told = "".join(f"{file} {hashlib.sha256(files[file]).hexdigest()}\n" for file in sorted(files))
        commit = hashlib.sha1(f"{branch}\n{told}".encode()).hexdigest()
        repository.commits[commit] = files
        (repository.tags if tag else repository.branches)[branch] = commit
        for file, content in files.items():
            entry = self.add(name, commit, file, content, stored=is_large(file))
            entry.etag = "" if is_large(file) else git(content)
        return commit

    def forget(self, name: str, commit: str) -> None:
        """A commit is gone, as after a history that was squashed."""
        for file in self.repositories[name].commits.pop(commit):
            del self.files[name, commit, file]

    def answer_api(self, handler: Handler, request: Request) -> None:
        if request.path == "/api/models":
            name = request.query.get("search", "")
            author = request.query.get("author", "")
            found = [each for each in self.repositories if each.startswith(f"{author}/") and name in each]
            say(handler, [{"id": each, "modelId": each} for each in found])
            return
        asked = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(refs|revision/(.+))", request.path)
        repository = self.repositories.get(asked[1]) if asked else None
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            handler.answer(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        elif repository is None:
            signed_in = "authorization" in request.headers
            handler.answer(404 if signed_in else 401, {"X-Error-Code": "RepoNotFound"})
        elif asked[2] == "refs":
            kinds = {"branches": repository.branches, "tags": repository.tags, "converts": {}}
            say(handler, {kind: list(map(ref, found.items())) for kind, found in kinds.items()})
        else:
            wanted = unquote(asked[3])
            commit = (repository.branches | repository.tags).get(wanted, wanted)
            files = repository.commits.get(commit)
            if files is None:
                handler.answer(404, {"X-Error-Code": "RevisionNotFound"})
                return
            siblings = [described(name, content) for name, content in files.items()]
            say(handler, {"id": asked[1], "sha": commit, "siblings": siblings})


def is_large(name: str) -> bool:
    """Whether a file lies in the store, as LFS files do."""
    return not name.endswith(".json")


def ref(item: tuple[str, str]) -> dict[str, str]:
    return {"name": item[0], "ref": f"refs/heads/{item[0]}", "targetCommit": item[1]}


def described(name: str, content: bytes) -> dict:
    """A file as the API tells it: git's SHA-1, and of a large one SHA-256."""
    sha256 = hashlib.sha256(content).hexdigest()
    if not is_large(name):
        return {"rfilename": name, "size": len(content), "blobId": git(content)}
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {len(content)}\n"
    lfs = {"sha256": sha256, "size": len(content), "pointerSize": len(pointer)}
    return {"rfilename": name, "size": len(content), "blobId": git(pointer.encode()), "lfs": lfs}


def git(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


def say(handler: Handler, value: object) -> None:
    handler.answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())
