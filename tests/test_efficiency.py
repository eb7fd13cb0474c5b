"""From the executor's own efficiency report to what a profile should ask for."""

import logging
from pathlib import Path

import pytest
import yaml
from snakemake_executor_plugin_slurm.efficiency_report import parse_sacct_data

from hallmarks.config.load import read_yaml
from hallmarks.errors import UserError
from hallmarks.planning.efficiency import read_reports, render_uses
from hallmarks.planning.profile import Profile
from hallmarks.workflow.paper import open_paper
from hallmarks.workflow.results import Results

# JobID, JobName, Comment, Elapsed, TotalCPU, NNodes, NCPUS, MaxRSS, ReqMem: as sacct tells them
JOBS = """\
7|x|rule_train_wildcards_vgg16_default_seed0|00:20:00|00:30:00|1|8||8000M
7.batch|batch||00:20:00|00:00:05|1|8|200000K|
7.0|python||00:20:00|00:30:00|1|8|1048576K|
8|x|rule_train_wildcards_vgg16_default_seed1|00:10:00|00:20:00|1|8||16000M
8.0|python||00:10:00|00:20:00|1|8|512M|
9|x|rule_kernels_kernel_measure|00:01:00|00:00:30|1|4||4000M
9.0|python||00:01:00|00:00:30|1|4|300M|
10|x|rule_pictures_figure|00:01:00|00:04:00|1|8||8000M
10.0|python||00:01:00|00:04:00|1|8|2400M|
11|x|rule_pictures_table_figure|00:01:00|00:00:20|1|2||5000M
11.0|python||00:01:00|00:00:20|1|2|500M|"""
ROOT = Path(__file__).parents[1]
PROFILE = Profile(
    "slurm",
    {
        "groups": {"kernel": "kernels", "measure": "kernels", "figure": "pictures", "table": "pictures"},
        "set-threads": {"kernel": 4},
    },
    Results(open_paper(read_yaml(ROOT / "config.yaml"), []), ROOT),
    [],
)


@pytest.fixture
def report(tmp_path) -> Path:
    path = tmp_path / "efficiency_report_x.csv"
    parse_sacct_data(JOBS.splitlines(), 0.8, "x", logging.getLogger()).to_csv(path)
    return path


def test_what_jobs_used_and_what_to_ask_for(report):
    kernels, pictures, train = read_reports([report], PROFILE)
    assert (kernels.rules, kernels.steps, kernels.busy) == (["kernel", "measure"], 1, 0.5)
    assert (kernels.used, kernels.asked, kernels.part) == (300, 4000, 300)
    assert (pictures.used, pictures.asked, pictures.part) == (2400, 8000, 300)
    assert (train.steps, train.seconds, train.busy, train.cores) == (2, 1200, 2, 8)
    assert (train.used, train.asked) == (1024, 16000)
    suggested = render_uses([kernels, pictures, train]).partition("set-resources:\n")[2]
    assert yaml.safe_load(suggested) == {
        "kernel": {"mem_mb": "attempt * 400", "runtime": "attempt * 10"},
        "measure": {"mem_mb": "attempt * 400", "runtime": "attempt * 10"},
        "figure": {"mem_mb": "attempt * 400", "runtime": "attempt * 10"},
        "table": {"mem_mb": "attempt * 400", "runtime": "attempt * 10"},
        "train": {"mem_mb": "attempt * 1300"},
    }


def test_a_file_that_is_no_report_is_named(report, tmp_path):
    with pytest.raises(UserError, match="nowhere.csv: cannot be read"):
        read_reports([tmp_path / "nowhere.csv"], PROFILE)
    report.write_text(report.read_text().replace("RuleName", "Comment"))
    with pytest.raises(UserError, match="RuleName.*job_comment"):
        read_reports([report], PROFILE)
