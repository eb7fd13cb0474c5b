"""What a record must hold for an audit to look at it: whoever forges one may leave out anything."""

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from hallmarks.provenance.store import SCHEMA


def inside(path: str) -> str:
    """A path below the results, as it is written by who records. Raises ValueError."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or PurePosixPath(path).as_posix() != path:
        raise ValueError("no path below the results")
    return path


Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Inside = Annotated[str, AfterValidator(inside)]
Sources = dict[str, Digest]


class File(BaseModel):
    """Bytes that were written."""

    sha256: Digest
    bytes: int


class Input(File):
    """Bytes that were read."""

    path: Inside


class Identity(BaseModel):
    """What decided the result."""

    key: str
    code: dict[str, str]


class Derivation(BaseModel):
    """What it was made of."""

    inputs: list[Input]
    settings: dict[str, Any]
    sources: Sources
    lock: Digest | None
    packages: dict[str, str]
    python: str
    determinism: dict[str, Any]
    identity: Identity | None = None


class Execution(BaseModel):
    """When and where, at what cost."""

    begun: str
    ended: str
    seconds: float
    cpu: str
    cpu_seconds: float
    gpu_seconds: float
    commit: str | None
    dirty: list[str]
    error: str | None = None
    gpu: str | None = None
    slurm: dict[str, str] | None = None
    threads: int | None = None
    workflow: Sources | None = None


class Content(BaseModel):
    """A record. `model_validate` raises a ValueError where something is missing, or is of another kind."""

    schema_: Literal[SCHEMA] = Field(alias="schema")
    attempt: str
    kind: Literal["made", "failed", "removed", "accepted"]
    rule: str
    target: str
    supersedes: list[str]
    key: Digest
    derivation: Derivation
    outputs: dict[Inside, File]
    execution: Execution


class Beginning(BaseModel):
    """When; where is told too."""

    begun: str


class Begun(BaseModel):
    """What an attempt's beginning says."""

    schema_: Literal[SCHEMA] = Field(alias="schema")
    attempt: str
    rule: str
    target: str
    supersedes: list[str]
    execution: Beginning
