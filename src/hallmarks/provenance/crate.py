"""Describes a crate's contents: a Workflow Run RO-Crate (Provenance Run Crate 0.5), of the records alone.

Each attempt is an action: what it read and was told, what it made, when, and how it ended.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rocrate.model import ContextEntity, Entity
from rocrate.rocrate import ROCrate

from hallmarks.provenance.ledger import Record
from hallmarks.provenance.packing import CODE, README, RESULTS, SOURCES, WORKFLOW, Contents, parent
from hallmarks.provenance.store import FOLDER
from hallmarks.provenance.tree import duration
from hallmarks.runs.identity import leaves

TERMS = "https://w3id.org/ro/terms/workflow-run/context"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
BIOSCHEMAS = "https://bioschemas.org/profiles"
PAPER = "The Directionality of Optimization Trajectories in Neural Networks (arXiv 2403.07379)"
FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".py": "text/x-python",
    ".sha256": "text/plain",
    ".smk": "text/plain",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
}
TYPES = {bool: "Boolean", int: "Integer", float: "Float"}
COMPLETED, FAILED = (f"http://schema.org/{word}ActionStatus" for word in ("Completed", "Failed"))


def describe(contents: Contents, pages: dict[str, str], license: str, url: str | None) -> ROCrate:
    """The crate of these contents, and of pages about it.

    `license` is one of SPDX's names, or an address; `url` is where what is referred to may be had.
    """
    return Description(contents, pages, license, url).crate


class Description:
    """The entities of a crate, as they are added."""

    def __init__(self, contents: Contents, pages: dict[str, str], license: str, url: str | None):
        self.contents, self.url = contents, url
        self.crate = ROCrate(version="1.1")
        self.crate.metadata.extra_contexts.append(TERMS)
        self.values: dict[tuple[str, str], dict[str, Any]] = {}
        self.tools: dict[str, ContextEntity] = {}
        self.maker = self.add(
            "#maker", "Organization", name="Whoever made these results; records hold no names", url=README
        )
        self._root(license)
        for path, text in pages.items():
            said = {
                "name": path,
                "about": self.crate.root_dataset,
                "encodingFormat": FORMATS[Path(path).suffix],
            }
            said |= {
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "contentSize": str(len(text.encode())),
            }
            self.crate.add_file(dest_path=path, properties=said)
        for path, held in contents.files.items():
            if not path.startswith(f"{RESULTS}/{FOLDER}/begun/"):
                self.file(path, held.sha256, held.bytes)
        self.folders = {folder: self._folder(folder) for folder in contents.told}
        actions = [self._action(record) for record in contents.records]
        for rule, name in self.values:
            self._parameter(rule, name)
        run = self._workflow(actions)
        unended = [self._unended(said) for said in contents.unended]
        self.crate.root_dataset.append_to("mentions", [run, *actions, *unended])

    def add(self, identifier: str, kind: str | list[str], **said: Any) -> ContextEntity:
        """An entity. What is not known is left out, and a list of one is that one."""
        return self.crate.add(ContextEntity(self.crate, identifier, {"@type": kind} | compact(said)))

    def file(self, path: str, digest: str, size: int) -> Entity:
        """A file by its path in the crate; of one that is not in it, as it was, what its digest tells."""
        packed, referenced = self.contents.files.get(path), self.contents.referenced.get(path)
        here = next((held for held in (packed, referenced) if held and held.sha256 == digest), None)
        identifier = quote(path) if here else f"#{quote(path)}@{digest[:16]}"
        if here and here is referenced:
            identifier = f"#{identifier}"
        if known := self.crate.get(identifier):
            return known
        below = path.removeprefix(f"{RESULTS}/")
        said = {"name": Path(path).name, "sha256": digest, "contentSize": str(size)}
        said["encodingFormat"] = FORMATS.get(Path(path).suffix, "application/octet-stream")
        if path.startswith(SOURCES):
            said |= {"name": ", ".join(self.contents.called[Path(path).name]), "encodingFormat": "text/plain"}
        if here and here is packed:
            return self.crate.add_file(dest_path=path, properties=said)
        if here:
            said["contentUrl"] = f"{self.url.rstrip('/')}/{quote(below)}" if self.url else None
        why = "Not in this crate: by reference" if here else "Not in this crate: as it was then"
        return self.add(identifier, "File", alternateName=below, description=why, **said)

    def _folder(self, folder: str) -> Entity:
        """Of a trajectory's points, a run's states, a data set's arrays."""
        told, here = self.contents.told[folder], self.contents.files | self.contents.referenced
        said = {
            "name": folder.removeprefix(f"{RESULTS}/"),
            "description": f"{len(told)} files, {sum(here[path].bytes for path in told):,} bytes",
            "hasPart": [self.file(path, here[path].sha256, here[path].bytes) for path in told],
        }
        if told[0] in self.contents.files:
            return self.crate.add_dataset(dest_path=folder, properties=compact(said))
        said["description"] += "; not in this crate: by reference"
        return self.add(f"#{quote(folder)}/", "Dataset", **said)

    def _files(self, said: Iterable[tuple[str, dict[str, Any]]]) -> list[Entity]:
        """Files of results as a record says them, and the folders of what they tell of."""
        found = {}
        for below, what in said:
            path = f"{RESULTS}/{below}"
            found[path] = self.file(path, what["sha256"], what["bytes"])
            if path in self.contents.telling:
                found[parent(path)] = self.folders[parent(path)]
        return list(found.values())

    def _root(self, license: str) -> None:
        root = self.crate.root_dataset
        root["name"] = f"Hallmarks: {self.contents.what}"
        root["description"] = (
            f"{self.contents.what} and what it was made of: {len(self.contents.names)} results of a workflow "
            f"that reproduces {PAPER}, the record of each attempt, failed ones too, and the sources that ran."
        )
        root["datePublished"] = datetime.now(UTC).date().isoformat()
        root["license"] = self.add(
            license if "://" in license else f"https://spdx.org/licenses/{license}",
            "CreativeWork",
            name=license,
        )
        root["author"] = root["publisher"] = self.maker
        root["conformsTo"] = [
            self.add(profile, "CreativeWork", name=name, version=profile.rpartition("/")[2])
            for profile, name in PROFILES.items()
        ]

    def _tool(self, rule: str) -> ContextEntity:
        """The command of a rule, as the records have it."""
        if rule not in self.tools:
            records = [record for record in self.contents.records if record.content["rule"] == rule]
            module = f"{CODE}/src/hallmarks/commands/{rule}.py"
            self.tools[rule] = self.add(
                f"#hallmarks-{quote(rule)}",
                "SoftwareApplication",
                name=f"hallmarks {rule}",
                url=module if module in self.contents.files else README,
                softwareVersion=commits(records),
            )
        return self.tools[rule]

    def _action(self, record: Record) -> ContextEntity:
        """An attempt that ended, whatever its end. What each made for certain is its record."""
        ran, rule, failed = record.execution, record.content["rule"], record.kind == "failed"
        by_path = [(each["path"], each) for each in record.derivation["inputs"]]
        path = f"{RESULTS}/{FOLDER}/records/{record.name}.json"
        held = self.contents.files[path]
        return self.add(
            f"#{record.attempt}",
            "CreateAction",
            name=f"{rule} {record.target}",
            description=f"{record.kind} in {duration(ran['seconds'])} on {ran.get('gpu') or ran['cpu']}, "
            f"Python {record.derivation['python']}",
            agent=self.maker,
            instrument=self._tool(rule),
            startTime=ran["begun"],
            endTime=ran["ended"],
            object=[*self._files(by_path), *self._settings(rule, record.derivation["settings"])],
            result=[*self._files(record.outputs.items()), self.file(path, held.sha256, held.bytes)],
            actionStatus=FAILED if failed else COMPLETED,
            error=ran.get("error") if failed else None,
        )

    def _unended(self, said: dict[str, Any]) -> ContextEntity:
        """An attempt that was killed. When, nobody knows: it is no CreateAction, and so of no tool."""
        return self.add(
            f"#{said['attempt']}",
            "Action",
            name=f"{said['rule']} {said['target']}",
            agent=self.maker,
            startTime=said["execution"]["begun"],
            actionStatus=FAILED,
            error="begun, and no record of an end: killed",
        )

    def _settings(self, rule: str, settings: dict[str, Any]) -> list[ContextEntity]:
        """What a command was told, a value each; equal ones are one."""
        found = []
        for keys, value in leaves(settings):
            name, text = ".".join(keys), json.dumps(value, ensure_ascii=False, sort_keys=True)
            self.values.setdefault((rule, name), {})[text] = value
            found.append(
                self.add(
                    self._value(rule, name, text),
                    "PropertyValue",
                    name=name,
                    value=value if isinstance(value, str | int | float) else text,
                    exampleOfWork={"@id": f"#{quote(rule)}/{quote(name)}"},
                )
            )
        return found

    def _value(self, rule: str, name: str, text: str) -> str:
        return f"#{quote(rule)}/{quote(name)}={hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def _parameter(self, rule: str, name: str) -> None:
        """A setting of a command, of which values are examples."""
        values = self.values[rule, name]
        kinds = {TYPES.get(type(value), "Text") for value in values.values()}
        parameter = self.add(
            f"#{quote(rule)}/{quote(name)}",
            "FormalParameter",
            name=name,
            additionalType=kinds.pop() if len(kinds) == 1 else "Text",
            conformsTo={"@id": f"{BIOSCHEMAS}/FormalParameter/1.0-RELEASE"},
            workExample=[{"@id": self._value(rule, name, text)} for text in values],
        )
        self._tool(rule).append_to("input", parameter, compact=True)

    def _workflow(self, actions: list[ContextEntity]) -> ContextEntity:
        """The workflow, its steps, and all calls of Snakemake together as one run of it."""
        contents, records = self.contents, self.contents.records
        rules = sorted({record.content["rule"] for record in records} - {"accept"})  # a person's, and no step
        steps = {
            rule: self.add(f"#step-{quote(rule)}", "HowToStep", name=rule, workExample=self._tool(rule))
            for rule in rules
        }
        versions = {record.derivation["packages"].get("snakemake") for record in records} - {None}
        version = ", ".join(sorted(versions)) or "unknown"
        held = contents.files[WORKFLOW]
        workflow = self.crate.add_workflow(
            dest_path=WORKFLOW,
            main=True,
            lang="snakemake",
            lang_version=version,
            properties={
                "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
                "name": "Snakefile",
                "description": f"A workflow that reproduces {PAPER}; its rules call hallmarks",
                "sha256": held.sha256,
                "contentSize": str(held.bytes),
                "encodingFormat": "text/plain",
                "license": "MIT",
                "url": README,
                "version": commits(records),
                "conformsTo": {"@id": f"{BIOSCHEMAS}/ComputationalWorkflow/1.0-RELEASE"},
            }
            | compact({"hasPart": [self._tool(rule) for rule in rules], "step": list(steps.values())}),
        )
        configuration = [
            f"{CODE}/{path}"
            for path in sorted({path for record in records for path in record.execution.get("workflow", {})})
            if path.endswith((".yaml", ".yml"))
        ]
        made = [f"{RESULTS}/{path}" for name in contents.tops for path in contents.audit.nodes[name].files]
        span = {
            "agent": self.maker,
            "startTime": min(record.execution["begun"] for record in records),
            "endTime": max(record.execution["ended"] for record in records),
            "actionStatus": COMPLETED,
        }
        run = self.add(
            "#workflow-run",
            "CreateAction",
            name="Run of the workflow",
            description="All calls of Snakemake in this folder of results, taken together",
            instrument=workflow,
            object=self._packed(configuration),
            result=self._packed(made),
            **span,
        )
        controls = [
            self.add(
                f"#control-{record.attempt}",
                "ControlAction",
                name=f"step {record.content['rule']} of {record.target}",
                instrument=steps[record.content["rule"]],
                object=action,
                actionStatus=action["actionStatus"],
                error=action.get("error"),
            )
            for record, action in zip(records, actions, strict=True)
            if record.content["rule"] in steps
        ]
        url = "https://snakemake.github.io"
        engine = self.add(url, "SoftwareApplication", name="Snakemake", url=url, softwareVersion=version)
        self.add(
            "#snakemake-run",
            "OrganizeAction",
            name="Snakemake",
            instrument=engine,
            object=controls,
            result=run,
            **span,
        )
        return run

    def _packed(self, paths: Iterable[str]) -> list[Entity]:
        here = self.contents.files
        return [self.file(path, here[path].sha256, here[path].bytes) for path in paths if path in here]


def commits(records: Iterable[Record]) -> str:
    """The commits whose code ran; that of a tree without one is what its sources are."""
    found = {record.execution.get("commit") or "no commit" for record in records}
    return ", ".join(sorted(found)) or "unknown"


def compact(said: dict[str, Any]) -> dict[str, Any]:
    """Properties without those that are not known; a list of one is that one."""
    known = {key: value for key, value in said.items() if value is not None and value != []}
    return {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value
        for key, value in known.items()
    }
