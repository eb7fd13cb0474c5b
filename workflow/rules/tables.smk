from hallmarks.workflow.captions import plain


def made_of(table):
    """The inputs of a table: of the claims what they judge, of a study its numbers."""
    if table == "claims":
        return kernels_and_measures(paper.judged)
    return {"rows": result(f"studies/{table}.csv")}


def title_of(table):
    if table == "claims":
        return "Claims of order and numbers, judged"
    return paper.config.studies[table].title


rule table:
    input:
        unpack(inputs("tables", "table", made_of)),
    output:
        csv=result("tables/{table}.csv"),
        html=report(
            result("tables/{table}.html"),
            caption="../report/table.rst",
            category="The paper's claims",
            # One label: of two, the report makes a switch where a section has two results, and fails.
            labels=lambda wildcards: {"table": plain(title_of(wildcards.table))},
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


def of_table(name):
    return [
        *(result(f"tables/{name}.{suffix}") for suffix in ["csv", "html"]),
        result(f"notebooks/{name}.ipynb"),
    ]


for name in results.tables:

    rule:
        name:
            name
        input:
            of_table(name),
        localrule: True


rule tables_all:
    input:
        [path for name in results.tables for path in of_table(name)],
    localrule: True
