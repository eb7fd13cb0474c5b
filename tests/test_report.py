"""The report in a browser, walked as a reader would: every figure and table is displayed and explained."""

import base64
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from hallmarks.config.load import load_configuration
from hallmarks.runs.run import expand
from hallmarks.runs.vary import label
from hallmarks.workflow.paper import Paper

# What headless Chromium needs as root in a container; and it is offline: the report needs nothing else.
FLAGS = """
    --headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --window-size=1440,900
"""
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"

MISSING = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
REASON = f"{' and '.join(MISSING)} not installed (Debian: apt-get install chromium chromium-driver)"
# Where there is no browser the rest of `make test` still runs; CI installs one and must not skip.
pytestmark = pytest.mark.skipif(bool(MISSING) and not os.environ.get("REQUIRE_CHROMIUM"), reason=REASON)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium; its absence fails only where REQUIRE_CHROMIUM is set (in CI)."""
    assert not MISSING, REASON
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in [*FLAGS.split(), OFFLINE, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def report(browser, project):
    """The report, opened."""
    made = project.snakemake("--report", "report.html", "all")
    assert made.returncode == 0, made.stderr
    browser.get(f"file://{project.folder}/report.html")
    return Report(browser)


@dataclass(frozen=True)
class Shown:
    """One result as a reader finds it: its section, its row in the list, what the eye and the i show."""

    section: str
    row: str
    image: bytes
    width: int
    text: str
    caption: str


class Report:
    """The open report and the way through it."""

    def __init__(self, browser: webdriver.Chrome):
        self.browser = browser

    def links(self, within: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, f"nav {within} a")

    def sections(self) -> list[str]:
        """The names of the sections below `Results`, from the menu."""
        self.links("ol")[0].click()
        names = [link.text for link in self.links("ul")]
        return names[names.index("About") + 1 :]

    def walk(self) -> dict[str, Shown]:
        """Open every section, and in it every result and its caption; by the file that each result is."""
        shown = {}
        for section in self.sections():
            for number in range(len(self.open(section))):
                row = self.open(section)[number]
                label = row.text
                see, explain = row.find_elements(By.TAG_NAME, "a")
                see.click()
                image, width, text = self.displayed()
                explain.click()
                path = self.browser.find_elements(By.CSS_SELECTOR, "nav ol > li")[-2].text
                caption = self.browser.find_element(By.CSS_SELECTOR, "nav li.prose").text
                shown[path] = Shown(section, label, image, width, text, " ".join(caption.split()))
        return shown

    def open(self, section: str) -> list[WebElement]:
        """Go to a section from the menu; its rows."""
        self.links("ol")[0].click()
        next(link for link in self.links("ul") if link.text == section).click()
        return self.browser.find_elements(By.CSS_SELECTOR, "nav tbody tr")

    def displayed(self) -> tuple[bytes, int, str]:
        """The picture in view and its width once decoded, or the text of the page in view."""
        content = self.browser.find_element(By.CSS_SELECTOR, "nav ~ div img, nav ~ div iframe")
        wait = WebDriverWait(self.browser, 10)
        if content.tag_name == "iframe":
            assert content.is_displayed()
            self.browser.switch_to.frame(content)
            text = wait.until(lambda frame: frame.find_element(By.TAG_NAME, "body").text)
            self.browser.switch_to.default_content()
            return b"", 0, text
        wait.until(lambda _: content.get_property("complete"))
        assert content.is_displayed() and content.size["width"] > 200
        data = content.get_attribute("src").partition("base64,")[2]
        return base64.b64decode(data), content.get_property("naturalWidth"), ""


@pytest.fixture(scope="module")
def shown(report) -> dict[str, Shown]:
    return report.walk()


@pytest.fixture(scope="module")
def config(project):
    return load_configuration([project.folder / "config.yaml", project.folder / "config/smoke.yaml"])


@pytest.fixture(scope="module")
def figures(config):
    """The figures that `all` makes, which the report is of."""
    return {name: config.figures[name] for name in Paper(config, expand(config)).in_all(config.figures)}


def test_the_first_page_says_what_this_is(report, config):
    page = report.browser.find_element(By.TAG_NAME, "body").text
    assert "at smoke scale" in page
    assert all((each.title in page) == each.in_all for each in config.experiments.values())


def test_every_figure_is_displayed(shown, figures, project):
    assert {path for path in shown if "/figures/" in path} == {
        f"results/smoke/figures/{name}.png" for name in figures
    }
    for name in figures:
        path = f"results/smoke/figures/{name}.png"
        assert shown[path].image == (project.folder / path).read_bytes()
        assert shown[path].width > 400, path


def test_every_caption_says_runs_scale_seeds_and_choices(shown, config, figures):
    for name, figure in figures.items():
        caption = shown[f"results/smoke/figures/{name}.png"].caption
        assert figure.title in caption and "smoke scale" in caption
        for experiment in map(config.experiments.get, figure.experiments):
            task = config.tasks[experiment.task]
            labels = figure.labels or [label(variation) for variation in experiment.variations]
            choices = (task.choices | experiment.choices).values()
            assert all(text in caption for text in [experiment.task, "; ".join(labels), *choices]), caption
            assert re.search(rf"seeds? {', '.join(map(str, experiment.seeds))}\b", caption), caption
        for study in map(config.studies.get, figure.studies):
            assert all(text in caption for text in [study.title, study.describe(), *study.choices.values()])


def test_sections_and_rows_are_in_the_papers_order(report, shown, config, figures):
    first = [*config.studies.values()]
    for figure in [*figures.values(), *config.tables.values()]:
        first += [config.experiments[name] for name in figure.experiments[:1]]
    sections = [name.replace("\u2007", "") for name in report.sections()]
    assert len(sections) == len(set(sections))
    assert {*sections} == {f"{each.section} {each.title}" for each in first} | {
        "Schematics",
        "The paper's claims",
    }
    appendix = [int(number) for number in re.findall(r"^C\.(\d+)", "\n".join(sections), flags=re.M)]
    assert len(appendix) > 3 and appendix == sorted(appendix)
    for section in report.sections():
        rows = [row.text for row in report.open(section)]
        kinds = [re.match("Figure|Ours|Table", row)[0] for row in rows]
        assert rows and kinds == sorted(kinds)
        numbers = [int(number) for number in re.findall(r"^Figure\s*(\d+)", "\n".join(rows), flags=re.M)]
        assert numbers == sorted(numbers)


def test_the_tables_can_be_read(shown, config, project):
    tables = project.folder / "results/smoke/tables"
    text = shown["results/smoke/tables/claims.html"].text
    for claim in pd.read_csv(tables / "claims.csv").itertuples():
        assert claim.statement in text and claim.verdict in text
    for name in config.studies:
        text, table = shown[f"results/smoke/tables/{name}.html"].text, pd.read_csv(tables / f"{name}.csv")
        column = {"lemma-1": "share", "curvature": "λ₁"}.get(name, "cosine")
        digits = ".3g" if name == "curvature" else ".4f"
        paper = " 0.374" if name == "random-init" else ""
        assert all(f"{value:{digits}}{paper}" in text for value in table[column])


def test_nothing_failed_and_nothing_came_from_the_network(report, shown):
    assert [entry for entry in report.browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    fetched = report.browser.execute_script(
        "return performance.getEntriesByType('resource').map(r => r.name)"
    )
    assert [name for name in fetched if not name.startswith(("file:", "data:", "blob:"))] == []


def test_the_claims_page_fits_and_leads_to_what_is_there(browser, project):
    """As it lies among the results, on a desk's and a phone's width."""
    browser.get(f"file://{project.folder}/results/smoke/tables/claims.html")
    for width in (1200, 390):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    links = browser.execute_script("return [...document.links].map(link => link.href)")
    files = {Path(unquote(link.removeprefix("file://").partition("#")[0])) for link in links}
    assert len(files) > 20 and all(path.exists() for path in files)
