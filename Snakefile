# Reads and checks the configuration, includes the rules, names `all`.
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError

try:
    from hallmarks.workflow.opening import open_workflow
    from hallmarks.workflow.pace import look_when_a_job_ends
    from hallmarks.workflow.targets import experiments_shown
except ImportError as error:
    raise WorkflowError(
        f"{error}: activate the environment (. .venv/bin/activate) that `make install` made"
    ) from None

ROOT = Path(str(workflow.current_basedir))
# envs/hallmarks.post-deploy.sh installs the project from there into a conda environment.
os.environ.update(HALLMARKS_ROOT=str(ROOT))


configfile: "config.yaml" if os.path.exists("config.yaml") else str(ROOT / "config.yaml")


report: "workflow/report/workflow.rst"


paper, results, requests = open_workflow(workflow, config, ROOT)


onstart:
    look_when_a_job_ends(workflow)


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/kernels.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/measures.smk"
include: "workflow/rules/studies.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/tables.smk"


rule all:
    default_target: True
    input:
        rules.figures_all.input,
        rules.tables_all.input,
    localrule: True


# An experiment by its name.
for name, shown in experiments_shown(paper).items():

    rule:
        name:
            name
        input:
            [path for each in shown for path in files_of(each.kind, each.name)],
            removals_for([each.name for each in shown if each.kind == "figures"]),
        localrule: True
