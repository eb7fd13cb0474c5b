from hallmarks.workflow.captions import choices_of, labels_of, section_of, shown_by


rule figure:
    input:
        unpack(
            inputs("figures", "figure", lambda figure: files_read("figures", figure))
        ),
    output:
        png=report(
            result("figures/{figure}.png"),
            caption="../report/figure.rst",
            category=lambda wildcards: section_of(paper, wildcards.figure),
            labels=lambda wildcards: labels_of(paper, "figures", wildcards.figure),
        ),
        pdf=result("figures/{figure}.pdf"),
        csv=result("figures/{figure}.csv"),
        notebook=result("notebooks/{figure}.ipynb"),
        identity=result("figures/{figure}.identity.json"),
    log:
        result("logs/figure/{figure}.log"),
    conda:
        ENVIRONMENT
    params:
        notebook=lambda wildcards: str(
            results.notebook(Result("figures", wildcards.figure))
        ),
        stem=lambda wildcards: f"{RESULTS}/figures/{wildcards.figure}",
        # The caption reads these.
        title=lambda wildcards: paper.config.figures[wildcards.figure].title,
        scale=paper.config.scale,
        shown=lambda wildcards: shown_by(paper, wildcards.figure),
        studies=lambda wildcards: [
            paper.config.studies[name]
            for name in paper.config.figures[wildcards.figure].studies
        ],
        choices=lambda wildcards: choices_of(paper, wildcards.figure),
    message:
        "Drawing {wildcards.figure}"
    shell:
        "hallmarks notebook --settings={input.settings:q} --stem={params.stem:q} "
        "--output={output.notebook:q} -- {params.notebook:q} > {log:q} 2>&1"


rule figures_all:
    input:
        [
            path
            for name in paper.in_all(paper.config.figures)
            for path in files_of("figures", name)
        ],
        removals_for(paper.in_all(paper.config.figures)),
    localrule: True


for name in paper.config.figures:

    rule:
        name:
            name
        input:
            files_of("figures", name),
            removals_for([name]),
        localrule: True
