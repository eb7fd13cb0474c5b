"""Opens the configuration for the Snakefile: every mistake one line, and nothing that nobody asked for."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from snakemake.cli import parse_args
from snakemake.exceptions import WorkflowError
from snakemake.workflow import Workflow

from hallmarks.config.load import overlay, read_yaml
from hallmarks.errors import UserError
from hallmarks.runs.sources import graph
from hallmarks.workflow.checkout import check_checkout
from hallmarks.workflow.notebooks import check_notebooks
from hallmarks.workflow.paper import Paper, open_paper, require_scale
from hallmarks.workflow.requests import Requests, refuse_mixing
from hallmarks.workflow.results import MADE_BY, Results
from hallmarks.workflow.targets import check_made, check_target


def open_workflow(workflow: Workflow, config: dict[str, Any], root: Path) -> tuple[Paper, Results, Requests]:
    """What the rules ask, for a workflow whose Snakefile lies in `root`. Raises WorkflowError."""
    # Jobs find the commands of the interpreter that runs Snakemake, its environment activated or not.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    overlays = [Path(path) for path in workflow.overwrite_configfiles or []]
    try:
        check_checkout(root)
        if not workflow.modifier.skip_configfile:
            # Snakemake puts an overlay's keys first; the order is the one in which the files are named.
            here = Path("config.yaml")
            config = overlay(read_yaml(here if here.exists() else root / here), config)
        paper = placed(workflow, open_paper(config, overlays))
        if not workflow.modifier.skip_configfile:  # a module's configuration is given by who uses it
            require_scale(paper.config, overlays, workflow.config_settings.config or {})
        check_notebooks(paper, root)
        graph()  # a file of the package that is no Python is said here, in one line
        results = Results(paper, root)
        check_call(workflow, results)
        refuse_mixing(results.folder, paper.config.scale)
        requests = Requests(results, forced(workflow), lambda: workflow.dryrun)
        if workflow.is_main_process:  # what jobs are told is there when they start
            requests.write_all([Path(path) for path in workflow.configfiles])
    except UserError as error:
        raise WorkflowError(str(error)) from None
    return paper, results, requests


def check_call(workflow: Workflow, results: Results) -> None:
    """Check what the command line asks for, which Snakemake would read after the rules. Raises UserError."""
    own = {str(results.root / name) for name in ("Snakefile", "workflow/Snakefile")}
    by_command = "snakemake" in Path(sys.argv[0]).parts[-2:]
    if not by_command or not workflow.is_main_process or str(workflow.main_snakefile) not in own:
        return  # others' rules may be targets too
    _, call = parse_args(sys.argv[1:])
    for target in sorted(call.targets):
        check_target(results.paper, target)
    if call.report is not None:
        check_made(results, sorted(call.targets) or ["all"])


def placed(workflow: Workflow, paper: Paper) -> Paper:
    """The paper with the folders in which a module's `prefix` or `replace_prefix` puts them."""
    modifier, config = workflow.modifier.path_modifier, paper.config
    folders = {name: getattr(config, name) for name in ("results", "scratch")}
    folders = {name: str(Path(modifier.replace_prefix(f"{Path(path)}/"))) for name, path in folders.items()}
    return replace(paper, config=config.model_copy(update=folders))


def forced(workflow: Workflow) -> Callable[[], set[str]]:
    """The kinds of results that the command line forces; known once the rules are read.

    A job's own Snakemake forces nothing.
    """
    # A module's rules bear a name of its user's.
    renamed = workflow.modifier.resolved_rulename_modifier or str

    def kinds() -> set[str]:
        settings = workflow.dag_settings
        if settings is None or not workflow.is_main_process:
            return set()
        every, rules = settings.forceall, settings.forcerun
        return {kind for rule, kind in MADE_BY.items() if every or renamed(rule) in rules}

    return kinds
