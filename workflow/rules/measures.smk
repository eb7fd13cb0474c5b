rule measure:
    input:
        unpack(
            inputs(
                "measures", "run", lambda run: {"kernel": result(f"kernels/{run}.npz")}
            )
        ),
    output:
        measures=result("measures/{run}.parquet"),
        identity=result("measures/{run}.identity.json"),
    log:
        result("logs/measure/{run}.log"),
    conda:
        ENVIRONMENT
    message:
        "Measuring {wildcards.run}"
    shell:
        "hallmarks measure --settings={input.settings:q} --run {wildcards.run} "
        "--output={output.measures:q} -- {input.kernel:q} > {log:q} 2>&1"


rule measures_all:
    input:
        [result(f"measures/{run}.parquet") for run in paper.runs_in_all],
        removals(paper.runs_in_all),
    localrule: True
