from hallmarks.workflow.captions import title_of


rule table:
    input:
        unpack(inputs("tables", "table", table_inputs)),
    output:
        csv=result("tables/{table}.csv"),
        html=report(
            result("tables/{table}.html"),
            caption="../report/table.rst",
            category="The paper's claims",
            # One label: of two, the report makes a switch where a section has two results, and fails.
            labels=lambda wildcards: {"table": title_of(paper, wildcards.table)},
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
        notebook=lambda wildcards: f"{ROOT}/notebooks/{results.notebook_of(wildcards.table)}.ipynb",
        stem=lambda wildcards: f"{RESULTS}/tables/{wildcards.table}",
        # The caption reads these.
        study=lambda wildcards: paper.config.studies.get(wildcards.table),
        scale=paper.config.scale,
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
        [path for name in results.tables for path in files_of("tables", name)],
    localrule: True
