rule study:
    input:
        unpack(
            inputs(
                "studies", "study", lambda study: trajectories(paper.studied[study])
            )
        ),
    output:
        table=result("studies/{study}.csv"),
        identity=result("studies/{study}.identity.json"),
    log:
        result("logs/study/{study}.log"),
    conda:
        ENVIRONMENT
    message:
        "Computing {wildcards.study}"
    shell:
        "hallmarks study --settings={input.settings:q} --output={output.table:q} > {log:q} 2>&1"
