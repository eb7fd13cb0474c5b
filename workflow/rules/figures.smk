from hallmarks.workflow.captions import (
    choices_of,
    label_of,
    plain,
    section_of,
    shown_by,
)


rule figure:
    input:
        unpack(
            inputs(
                "figures",
                "figure",
                lambda figure: kernels_and_measures(paper.runs_shown(figure)),
            )
        ),
    output:
        png=report(
            result("figures/{figure}.png"),
            caption="../report/figure.rst",
            category=lambda wildcards: section_of(paper, wildcards.figure),
            labels=lambda wildcards: {
                "figure": label_of(wildcards.figure),
                "shows": plain(paper.config.figures[wildcards.figure].title),
            },
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
        notebook=lambda wildcards: f"{ROOT}/notebooks/{paper.config.figures[wildcards.figure].notebook}.ipynb",
        stem=lambda wildcards: f"{RESULTS}/figures/{wildcards.figure}",
        # The caption reads these.
        title=lambda wildcards: paper.config.figures[wildcards.figure].title,
        scale=paper.config.scale,
        shown=lambda wildcards: shown_by(paper, wildcards.figure),
        choices=lambda wildcards: choices_of(paper, wildcards.figure),
    message:
        "Drawing {wildcards.figure}"
    shell:
        "hallmarks notebook --settings={input.settings:q} --stem={params.stem:q} "
        "--output={output.notebook:q} -- {params.notebook:q} > {log:q} 2>&1"


rule figures_all:
    input:
        [path for name in paper.config.figures for path in files_of("figures", name)],
        removals(
            sorted(
                {
                    run
                    for name in paper.config.figures
                    for run in paper.runs_shown(name)
                }
            )
        ),
    localrule: True


for name in paper.config.figures:

    rule:
        name:
            name
        input:
            files_of("figures", name),
            removals(paper.runs_shown(name)),
        localrule: True
