for name in paper.initialisations:

    rule:
        name:
            name
        input:
            f"{RESULTS}/tables/{name}.csv",
        localrule: True


rule claims:
    input:
        sources("commands.claims"),
        measures=[f"{RESULTS}/measures/{run}.parquet" for run in judged()],
        kernels=[f"{RESULTS}/kernels/{run}.npz" for run in judged(KERNEL_MEASURES)],
    output:
        csv=f"{RESULTS}/tables/claims.csv",
        html=report(
            f"{RESULTS}/tables/claims.html",
            caption="../report/claims.rst",
            category="The paper's claims",
            # One label: of two, the report makes a switch where a section has two results, and fails.
            labels={"table": "Claims of order and numbers, judged"},
        ),
    log:
        f"{RESULTS}/logs/claims.log",
    conda:
        ENVIRONMENT
    params:
        settings=as_json(claim_settings()),
        measures=lambda wildcards: f"{RESULTS}/measures",
        kernels=lambda wildcards: f"{RESULTS}/kernels",
        scale=paper.scale,
    message:
        "Judging the paper's claims"
    shell:
        "hallmarks claims --settings {params.settings:q} --measures {params.measures} "
        "--kernels {params.kernels} -o {output.csv} > {log} 2>&1"


rule initialisations:
    input:
        sources("commands.initialisations"),
    output:
        csv=f"{RESULTS}/tables/{{initialisation}}.csv",
        html=report(
            f"{RESULTS}/tables/{{initialisation}}.html",
            caption="../report/initialisations.rst",
            category="The paper's claims",
            labels=lambda wildcards: {
                "table": paper.initialisations[wildcards.initialisation].title,
            },
        ),
    log:
        f"{RESULTS}/logs/{{initialisation}}.log",
    conda:
        ENVIRONMENT
    params:
        model=lambda wildcards: as_json(
            paper.initialisations[wildcards.initialisation].model.model_dump()
        ),
        images=lambda wildcards: "--channels {0.channels} --classes {0.classes} --paper {0.paper}".format(
            paper.initialisations[wildcards.initialisation]
        ),
        seeds=lambda wildcards: paper.initialisations[wildcards.initialisation].seeds,
        scale=paper.scale,
    message:
        "Comparing random initialisations"
    shell:
        "hallmarks initialisations --model {params.model:q} {params.images} --seeds {params.seeds} "
        "-o {output.csv} > {log} 2>&1"


rule tables_all:
    input:
        [f"{RESULTS}/tables/{name}.csv" for name in paper.initialisations],
        rules.claims.output,
