rule kernel:
    input:
        unpack(
            inputs(
                "kernels",
                "run",
                lambda run: {
                    "trajectory": result(f"runs/{run}/trajectory/trajectory.json"),
                    "points": result(f"runs/{run}/trajectory/points.sha256"),
                },
            )
        ),
    output:
        kernel=result("kernels/{run}.npz"),
        identity=result("kernels/{run}.identity.json"),
    log:
        result("logs/kernel/{run}.log"),
    benchmark:
        result("benchmarks/kernel/{run}.tsv")
    priority: 1  # before more training: the kernel may be what a trajectory's disk space waits for
    conda:
        ENVIRONMENT
    params:
        folder=lambda wildcards: f"{RESULTS}/runs/{wildcards.run}/trajectory",
    message:
        "Computing the kernel of {wildcards.run}"
    shell:
        "hallmarks kernel --settings={input.settings:q} --output={output.kernel:q} -- {params.folder:q} "
        "> {log:q} 2>&1"


# Why not Snakemake's temp(): it removes declared outputs, and the points are none. Snakemake deletes a job's
# outputs before the job starts, and with them, of a job that was submitted twice, days of training; a run that
# diverges has fewer than planned; trajectory.json, which stays, lies in their folder; and what a killed driver
# did not remove, the next one leaves. Nor does the kernel's own job remove them: until Snakemake has recorded
# its end, the kernel can be deleted and made again.
rule discard:
    input:
        # All that is made of the points.
        kernel=result("kernels/{run}.npz"),
        studies=lambda wildcards: [
            result(f"studies/{study}.csv")
            for study, runs in paper.studied.items()
            if wildcards.run in runs
        ],
    output:
        result("runs/{run}/removed.json"),
    log:
        result("logs/discard/{run}.log"),
    priority: 2
    localrule: True
    conda:
        ENVIRONMENT
    params:
        folder=lambda wildcards: f"{RESULTS}/runs/{wildcards.run}/trajectory",
    message:
        "Removing the points of {wildcards.run}"
    shell:
        "hallmarks discard --kernel={input.kernel:q} --output={output:q} -- {params.folder:q} > {log:q} 2>&1"


rule kernels_all:
    input:
        [result(f"kernels/{run}.npz") for run in paper.runs_in_all],
        removals(paper.runs_in_all),
    localrule: True
