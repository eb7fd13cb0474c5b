rule study:
    input:
        unpack(inputs("studies", "study")),
    output:
        table=f"{RESULTS}/studies/{{study}}.csv",
        identity=f"{RESULTS}/studies/{{study}}.identity.json",
    log:
        f"{RESULTS}/logs/study/{{study}}.log",
    conda:
        ENVIRONMENT
    message:
        "Computing {wildcards.study}"
    shell:
        "hallmarks study --settings={input.settings:q} --output={output.table:q} > {log:q} 2>&1"
