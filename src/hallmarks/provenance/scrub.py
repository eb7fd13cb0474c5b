"""Nothing that names a person, a machine or a secret is recorded: texts are cleaned of it before."""

import getpass
import os
import re
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

SECRET_NAMES = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|AUTH", re.I)
# As the services write them.
SECRETS = re.compile(
    r"\b(?:(?:hf_|gh[opsu]_)[A-Za-z0-9]{20,}|(?:github_pat_|glpat-|sk-|xox[abp]-)[A-Za-z0-9_-]{16,}"
    r"|AKIA[A-Z0-9]{12,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)-----END [A-Z ]*PRIVATE KEY-----"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
# And whatever is called so in a text.
CALLED_SECRET = re.compile(
    r"(?i:(?<=password=)|(?<=passwd=)|(?<=token=)|(?<=secret=)|(?<=bearer ))[^\s'\"&,;]+"
)
ADDRESSES = re.compile(
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    re.I,
)
HOMES = re.compile(r"(?<![\w.~-])/(?:(?:[\w-]+/)?(?:home|homes|Users)/[^/\s'\",:;)\]}]+|root(?![\w.-]))")
HIDDEN = "…"


@cache
def secrets() -> list[str]:
    """What this process's environment keeps secret, the longest first."""
    found = [value for name, value in os.environ.items() if SECRET_NAMES.search(name) and len(value) >= 8]
    return sorted(found, key=len, reverse=True)


@cache
def places() -> list[tuple[str, str]]:
    """Folders that tell of this user or machine, and what stands in their place, the longest first."""
    found = {os.path.expanduser("~"): "~", tempfile.gettempdir(): "<tmp>"}
    with suppress(OSError):
        found |= {str(Path.cwd()): ".", os.path.realpath("."): "."}
    return sorted(
        ((text, instead) for text, instead in found.items() if len(text) > 3), key=lambda each: -len(each[0])
    )


@cache
def user() -> re.Pattern | None:
    """The user's name as a word of a path, if it is one that tells."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        return None
    return (
        re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])") if len(name) > 2 and name != "root" else None
    )


def clean(text: str) -> str:
    """The text without secrets, home folders, user names and addresses."""
    for secret in secrets():
        text = text.replace(secret, HIDDEN)
    for known, instead in places():
        text = text.replace(known, instead)
    text = CALLED_SECRET.sub(HIDDEN, SECRETS.sub(HIDDEN, text))
    text = HOMES.sub("~", ADDRESSES.sub(HIDDEN, text))
    named = user()
    return named.sub("<user>", text) if named else text


def clean_value(value: Any) -> Any:
    """A value of JSON, with every text in it clean."""
    if isinstance(value, dict):
        return {clean(key): clean_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_value(item) for item in value]
    return clean(value) if isinstance(value, str) else value


def clean_source(content: bytes) -> bytes:
    """A source's bytes without secrets and home folders, and otherwise as they ran: a word that is
    somebody's name, four numbers with dots, `token=` are code there."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content
    for secret in secrets():
        text = text.replace(secret, HIDDEN)
    home = os.path.expanduser("~")
    text = text.replace(home, "~") if len(home) > 3 else text
    return HOMES.sub("~", SECRETS.sub(HIDDEN, text)).encode()
