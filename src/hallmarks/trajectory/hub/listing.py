"""What the hub says of repositories: their branches and tags, files, sizes and digests; asked with patience.

The one module that speaks to the hub's API, by `huggingface_hub`, so that HF_ENDPOINT, HF_TOKEN and
HF_HUB_OFFLINE mean what they mean everywhere. Each answer is waited for, and asked for again where the hub is
busy; what does not come is one clear line.
"""

import difflib
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from huggingface_hub import HfApi, constants, get_session, get_token
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import disable_progress_bars, logging

from hallmarks.errors import UserError
from hallmarks.trajectory.hub.address import Pattern
from hallmarks.trajectory.hub.lock import File, Revision
from hallmarks.trajectory.hub.steps import step_of

TIMEOUT = 30.0  # seconds that an answer may take to begin
WAITS = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before it is asked for again
LONGEST = 600.0  # seconds that the hub may ask for
AT_ONCE = 8
BUSY = {408, 429, 500, 502, 503, 504}
NEAR = 3


@dataclass(frozen=True)
class Listing:
    """What a repository has at a commit."""

    commit: str
    files: dict[str, File]


class Hub:
    """The hub that HF_ENDPOINT names, with the token that its own client finds."""

    def __init__(self) -> None:
        self.api = HfApi()
        if "HF_HUB_VERBOSITY" not in os.environ:
            logging.set_verbosity_error()  # what goes wrong is said here, in a line
        if not sys.stderr.isatty():
            disable_progress_bars()

    @cached_property
    def endpoint(self) -> str:
        return str(self.api.endpoint)

    def refs(self, repository: str) -> dict[str, str]:
        """The branches and tags of a repository, and the commit of each. Raises UserError."""
        found = self.asked(repository, lambda: self.api.list_repo_refs(repository))
        return {ref.name: ref.target_commit for ref in [*found.tags, *found.branches]}

    def listing(self, repository: str, revision: str, name: str = "") -> Listing:
        """What a repository has at a branch, tag or commit, which people call by a name. Raises UserError."""
        label = f"{repository}@{name or revision}"

        def ask() -> Any:
            return self.api.model_info(repository, revision=revision, files_metadata=True, timeout=TIMEOUT)

        found = self.asked(label, ask)
        files = {}
        for each in found.siblings or []:
            if each.size is None or each.blob_id is None:
                raise UserError(f"{label}: the hub does not say how large {each.rfilename} is")
            files[each.rfilename] = File(each.size, each.blob_id, each.lfs.sha256 if each.lfs else None)
        return Listing(found.sha, files)

    def listings(self, places: Sequence[tuple[str, str, str]]) -> list[Listing]:
        """What repositories have at revisions, by their names, some asked for at once. Raises UserError."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda place: self.listing(*place), places))

    def repositories(self, pattern: Pattern) -> list[str]:
        """The repositories so named, sorted. Raises UserError."""
        author, _, name = pattern.text.partition("/")
        beginning = name.partition("*")[0]
        found = self.asked(str(pattern), lambda: list(self.api.list_models(author=author, search=beginning)))
        return sorted(each.id for each in found if pattern.matches(each.id))

    def asked(self, what: str, ask: Callable[[], Any]) -> Any:
        """What the hub answers, asked for again while it is busy. Raises UserError, `what` first."""
        for wait in (*WAITS, None):
            get_session().timeout = TIMEOUT  # its own is none at all
            try:
                return ask()
            except OfflineModeIsEnabled:
                raise offline(what) from None
            except HfHubHTTPError as error:
                status = error.response.status_code
                if status not in BUSY:
                    raise refused(what, self.endpoint, error) from None
                said = f"answers {status}" + (", too many requests" if status == 429 else "")
                asked_for = seconds_of(error.response.headers)
            except HTTPError as error:  # no answer
                said, asked_for = f"does not answer ({error or type(error).__name__})", None
            except (ValueError, KeyError, TypeError) as error:
                raise UserError(
                    f"{what}: {self.endpoint} answers what is no hub's answer ({error})"
                ) from None
            if wait is None or (asked_for or 0) > LONGEST:
                again = f"in {asked_for:.0f} s, as it says" if asked_for else "later"
                raise UserError(
                    f"{what}: {self.endpoint} {said}, asked {len(WAITS) + 1 if wait is None else 1} times; "
                    f"try again {again}" + (NO_TOKEN if "429" in said and not get_token() else "")
                )
            if asked_for and asked_for > max(WAITS):
                print(f"{what}: the hub asks to wait {asked_for:.0f} s", file=sys.stderr, flush=True)
            time.sleep(asked_for or wait)
        raise AssertionError


NO_TOKEN = "; with HF_TOKEN it takes more requests"


def seconds_of(headers: Any) -> float | None:
    """How long the hub asks to wait: `Retry-After: 30`, or `ratelimit: "api";r=0;t=30`; else None."""
    told = headers.get("retry-after") or headers.get("ratelimit", "").rpartition("t=")[2].partition(";")[0]
    return float(told) if told.isdigit() else None


def offline(what: str) -> UserError:
    return UserError(
        f"{what}: HF_HUB_OFFLINE is set, and this must be asked of the hub; unset it, or give what an "
        "earlier run kept, --lock FILE and --cache DIR"
    )


def refused(what: str, endpoint: str, error: HfHubHTTPError) -> UserError:
    """What to say of an answer that asking again does not change."""
    status = error.response.status_code
    if isinstance(error, RevisionNotFoundError):
        return UserError(f"{what}: no such branch, tag or commit on {endpoint}")
    if isinstance(error, GatedRepoError):
        return UserError(
            f"{what}: its owner lets in whom they accept; ask on {endpoint}/{what.partition('@')[0]}, and "
            f"set HF_TOKEN{'' if get_token() else ', which is not set'}"
        )
    if isinstance(error, RepositoryNotFoundError) or status in {401, 403, 404}:
        if get_token() is None:
            return UserError(
                f"{what}: no such repository on {endpoint}, or a private one: mind the spelling, or "
                "set HF_TOKEN"
            )
        if status in {401, 403}:
            return UserError(
                f"{what}: {endpoint} refuses the token (HF_TOKEN, or that of `hf auth login`): it is wrong, "
                "expired, or not for this repository"
            )
        return UserError(f"{what}: no such repository on {endpoint}, or not one that the token lets see")
    return UserError(f"{what}: {endpoint} answers {status} ({str(error).splitlines()[0]})")


def missing(repository: str, name: str, there: Sequence[str]) -> UserError:
    """What to say of a revision that is not there: those with names, or steps, near it."""
    near = difflib.get_close_matches(name, there, NEAR, 0.75)
    if (step := step_of(name)) is not None:
        others = {other: found for other in there if (found := step_of(other)) is not None}
        near = sorted(others, key=lambda other: abs(others[other] - step))[:NEAR] or near
    said = f"near it are {', '.join(near)}" if near else f"there are {shown(there)}"
    return UserError(f"{repository}: has no branch or tag {name}; {said}")


def shown(names: Sequence[str]) -> str:
    """A few names of many."""
    return ", ".join([*names[:4], *([f"… ({len(names)} in all)"] if len(names) > 4 else [])])


def revision_at(hub_name: str, repository: str, listing: Listing, folder: str = "") -> Revision:
    """A revision of what a listing holds in a folder, or in no folder."""
    inside = f"{folder}/" if folder else ""
    files = {
        name.removeprefix(inside): file for name, file in listing.files.items() if name.startswith(inside)
    }
    return Revision(hub_name, repository, listing.commit, files, folder)


def is_offline() -> bool:
    """Whether the user wants nothing asked of any network."""
    return bool(constants.is_offline_mode())
