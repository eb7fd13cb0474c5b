rule claims:
    input:
        sources("commands.claims"),
        measures=[f"{RESULTS}/measures/{run}.parquet" for run in runs_judged()],
    output:
        csv=f"{RESULTS}/tables/claims.csv",
        html=report(
            f"{RESULTS}/tables/claims.html",
            caption="../report/claims.rst",
            category="The paper's claims",
            labels={"figure": "claims", "shows": "The paper's claims, judged"},
        ),
    log:
        f"{RESULTS}/logs/claims.log",
    conda:
        ENVIRONMENT
    params:
        settings=as_json(claim_settings()),
        measures=lambda wildcards, input: measures_folder(input.measures[0]),
        scale=paper.scale,
    message:
        "Judging the paper's claims"
    shell:
        "hallmarks claims --settings {params.settings:q} --measures {params.measures} "
        "-o {output.csv} > {log} 2>&1"


rule tables_all:
    input:
        rules.claims.output,
