"""Every result: where it lies, what decides it, and why it would be made again, if it would."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from hallmarks.data.prepared import describe
from hallmarks.errors import UserError
from hallmarks.runs.acceptance import accepted
from hallmarks.runs.identity import Identity, beside, changes
from hallmarks.runs.sources import code_of, code_of_notebook
from hallmarks.workflow.paper import Paper
from hallmarks.workflow.reads import READS, reads_of
from hallmarks.workflow.settings import claims_settings, figure_settings, run_settings, study_settings

MEASURES = ("hallmarks.measures.table",)


@dataclass(frozen=True)
class Result:
    """One result: of `kind` runs, kernels, measures, figures, studies or tables, by its name."""

    kind: str
    name: str

    @property
    def outputs(self) -> list[str]:
        """Its files, below the folder of all results; the first is what the others go with."""
        notebook = [f"notebooks/{self.name}.ipynb"] if self.kind in {"figures", "tables"} else []
        own = [f"{self.kind}/{self.name}{suffix}" for suffix in SUFFIXES[self.kind]]
        return [*own, *notebook, self.beside("identity")]

    def beside(self, word: str) -> str:
        """The file `identity` or `accepted` beside it."""
        return beside(self.kind, self.name, word)


# The kind of result that a rule makes.
MADE_BY = {"train": "runs", "kernel": "kernels", "measure": "measures"}
MADE_BY |= {"look_up": "runs", "fetch": "kernels"}  # of what others published
MADE_BY |= {"study": "studies", "figure": "figures", "table": "tables"}
SUFFIXES = {
    "runs": ["/trajectory/trajectory.json", "/trajectory/points.sha256", "/log.csv", "/settings.yaml"],
    "kernels": [".npz"],
    "measures": [".parquet"],
    "figures": [".png", ".pdf", ".csv"],
    "studies": [".csv"],
    "tables": [".csv", ".html"],
}


class Results:
    """All results of a paper in a folder, made by the workflow that lies at `root`."""

    def __init__(self, paper: Paper, root: Path, folder: Path | None = None):
        self.paper, self.root = paper, root
        self.folder = folder or Path(paper.config.results)
        self.forget()

    def forget(self) -> None:
        """Ask anew what lies in the folder; the rules ask the same of every result many times."""
        self.made, self.identity = cache(self.find_made), cache(self.find_identity)
        self.verdict, self.settings = cache(self.find_verdict), cache(self.find_settings)

    def all(self) -> list[Result]:
        """Every result, each after those that it is made of."""
        runs = self.paper.runs
        named = {
            "runs": runs,
            "kernels": runs,
            "measures": runs,
            "studies": self.paper.config.studies,
            "figures": self.paper.config.figures,
            "tables": self.tables,
        }
        return [Result(kind, name) for kind, names in named.items() for name in names]

    @cached_property
    def tables(self) -> list[str]:
        """The studies' tables, those of runs, and the claims."""
        config = self.paper.config
        return [*config.studies, *config.tables, *(["claims"] if config.claims else [])]

    def parts(self, result: Result) -> list[Result]:
        """The results that a result is made of."""
        match result.kind:
            case "runs":
                parent = self.paper.runs[result.name].parent
                return [Result("runs", parent.name)] if parent else []
            case "kernels":
                return [Result("runs", result.name)]
            case "measures":
                return [Result("kernels", result.name)]
            case "studies":
                return [Result("runs", name) for name in self.paper.studied[result.name]]
            case "tables" if result.name in self.paper.config.studies:
                return [Result("studies", result.name)]
            case "tables" if result.name == "claims":
                return [Result(kind, name) for kind, names in self.paper.judged.items() for name in names]
            case "figures" | "tables":
                runs = dict.fromkeys(self.runs_of(result))
                read = [Result(READS[word][0], run) for word in self.reads(result) for run in runs]
                return read + [Result("studies", study) for study in self.studies_of(result)]
        return []

    def studies_of(self, result: Result) -> list[str]:
        """The studies that a figure, or a table, shows beside runs."""
        return self.paper.figure(result.name).studies if result.name in self.paper.shown else []

    def runs_of(self, result: Result) -> list[str]:
        """The runs that a figure or a table shows."""
        return self.paper.runs_shown(result.name)

    def reads(self, result: Result) -> tuple[str, ...]:
        """What its notebook reads of these runs. Raises UserError."""
        return reads_of(self.notebook(result))

    def files_read(self, result: Result) -> dict[str, list[str]]:
        """The files that its notebook reads of runs and studies, below the folder of all results."""
        runs, studies = self.runs_of(result), self.studies_of(result)
        read = {word: [READS[word][1].format(run) for run in runs] for word in self.reads(result)}
        return read | {"rows": [f"studies/{study}.csv" for study in studies]}

    @property
    def files_judged(self) -> list[str]:
        """The files that claims are judged by, below the folder of all results."""
        files = {kind: file for kind, file in READS.values()} | {"studies": "studies/{}.csv"}
        return [files[kind].format(name) for kind, names in self.paper.judged.items() for name in names]

    def notebook(self, result: Result) -> Path:
        """The notebook that shows a figure or a table."""
        config = self.paper.config
        shown = config.figures | config.studies | config.tables
        name = shown[result.name].notebook if result.name in shown else "claims"
        return self.root / "notebooks" / f"{name}.ipynb"

    def find_settings(self, result: Result) -> dict[str, Any]:
        """What the command that makes a result is told, in its settings file."""
        match result.kind:
            case "runs":
                return run_settings(self.paper, self.folder, result.name)
            case "figures" | "tables" if result.name in self.paper.shown:
                return figure_settings(self.paper, result.name)
            case "studies":
                looked_at = {run: self.paper.runs[run] for run in self.paper.studied[result.name]}
                runs = {name: run.settings.resolved() for name, run in looked_at.items()}
                return study_settings(self.paper, result.name) | ({"runs": runs} if runs else {})
            case "tables" if result.name == "claims":
                return claims_settings(self.paper)
            case "tables":
                return study_settings(self.paper, result.name)
        return {}

    def find_made(self, result: Result) -> Identity | None:
        """What a result was made by, as it says itself; None where it does not."""
        return Identity.read(self.folder / result.beside("identity"))

    def find_identity(self, result: Result) -> Identity:
        """What decides a result now. Raises UserError where its code cannot be read."""
        inputs = {f"{part.kind}/{part.name}": self.key(part) for part in self.parts(result)}
        if result.kind == "runs":
            run = self.paper.runs[result.name]
            made = self.made(result)
            return run.identity(self._data(run.settings.data_sets(), made) | inputs)
        match result.kind:
            case "kernels":
                return Identity({}, inputs, code_of(self.paper.runs[result.name].settings.kernel_modules()))
            case "measures":
                return Identity({}, inputs, code_of(MEASURES))
            case "studies":
                study = self.paper.config.studies[result.name]
                return Identity(study.resolved(), inputs, code_of(tuple(study.modules())), study.given())
        settings = self.settings(result)
        code = code_of_notebook(self.notebook(result))
        if result.name == "claims" and result.kind == "tables":
            kinds = {module for claim in self.paper.config.claims.values() for module in claim.modules()}
            code = code | code_of(tuple(sorted(kinds)))
        return Identity(settings, inputs, code)

    def _data(self, names: list[str], made: Identity | None) -> dict[str, str]:
        """The digest of each file of these data sets; of one that is not there, what the run was made of."""
        digests = {}
        for name in names:
            try:
                files = describe(self.folder / "data" / name)["sha256"]
                digests |= {f"{name}/{file}": digest for file, digest in files.items()}
            except UserError:
                kept = made.inputs if made else {}
                digests |= {file: digest for file, digest in kept.items() if file.startswith(f"{name}/")}
        return digests

    def key(self, result: Result) -> str:
        """The key of a result as it is, where it stands, else as it will be."""
        made = self.made(result)
        stands = made is not None and self.verdict(result) == []
        return made.key if stands else self.identity(result).key

    def find_verdict(self, result: Result) -> list[str] | None:
        """Why a result would be made again, [] where it stands; None where it is not there."""
        first = self.folder / result.outputs[0]
        if not first.exists() and not (self.folder / result.beside("identity")).exists():
            return None
        made = self.made(result)
        wanted = self.identity(result)
        said = changes(made, wanted)
        if said and accepted(self.folder / result.beside("accepted"), made, wanted, first):
            return []
        return said
