# Reads and checks the configuration, includes the rules, names `all`.
from hallmarks.errors import UserError
from hallmarks.config.load import check
from hallmarks.runs.expand import expand
from snakemake.exceptions import WorkflowError


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


try:
    paper = check(config, "the configuration")
    runs = expand(paper)
except UserError as error:
    raise WorkflowError(str(error)) from None


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/kernels.smk"
include: "workflow/rules/measures.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/tables.smk"


localrules:
    all,
    data_all,
    train_all,
    kernels_all,
    measures_all,
    figures_all,
    tables_all,


rule all:
    default_target: True
    input:
        rules.figures_all.input,
        rules.tables_all.input,
