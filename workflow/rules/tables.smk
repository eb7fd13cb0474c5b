from hallmarks.workflow.captions import (
    choices_of,
    labels_of,
    section_of,
    shown_by,
    title_of,
)


rule table:
    input:
        unpack(inputs("tables", "table", table_inputs)),
    output:
        csv=result("tables/{table}.csv"),
        html=report(
            result("tables/{table}.html"),
            caption="../report/table.rst",
            category=lambda wildcards: section_of(paper, wildcards.table),
            labels=lambda wildcards: labels_of(paper, "tables", wildcards.table),
        ),
        notebook=result("notebooks/{table}.ipynb"),
        identity=result("tables/{table}.identity.json"),
    log:
        result("logs/table/{table}.log"),
    wildcard_constraints:
        table="|".join(results.tables) or "none",
    conda:
        ENVIRONMENT
    params:
        notebook=lambda wildcards: str(
            results.notebook(Result("tables", wildcards.table))
        ),
        stem=lambda wildcards: f"{RESULTS}/tables/{wildcards.table}",
        # The caption reads these.
        study=lambda wildcards: paper.config.studies.get(wildcards.table),
        scale=paper.config.scale,
        title=lambda wildcards: title_of(paper, wildcards.table),
        shown=lambda wildcards: shown_by(paper, wildcards.table),
        choices=lambda wildcards: choices_of(paper, wildcards.table),
    message:
        "Writing the table {wildcards.table}"
    shell:
        "hallmarks notebook --settings={input.settings:q} --stem={params.stem:q} "
        "--output={output.notebook:q} -- {params.notebook:q} > {log:q} 2>&1"


for name in results.tables:

    rule:
        name:
            name
        input:
            files_of("tables", name),
        localrule: True


rule tables_all:
    input:
        [
            path
            for name in paper.in_all(results.tables)
            for path in files_of("tables", name)
        ],
    localrule: True
