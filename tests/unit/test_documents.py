"""The documents: each is a page of the site, every relative link leads somewhere, to a heading if it names one, and
what they name is there."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from cfnlint.decode import decode_str

from local.engines import ROOT
from surewrite import operations, parallel_scan, paths, queries, writes
from surewrite.commit import idempotency_key, ledger, outcome, schedule, slots
from surewrite.expressions import attributes, placeholders
from surewrite.model import keys, wire
from tests.markdown import anchors, links, section

SITE: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(), yaml.BaseLoader)  # noqa: S506 - texts, and no objects
ELSEWHERE: dict[str, str] = SITE["extra"]["elsewhere"]
TEMPLATE: dict[str, Any] = decode_str((ROOT / "template.yaml").read_text())[0]
SOURCES = {
    **{path.name: path for path in ROOT.glob("docs/*.md")},
    **{place: ROOT / source for place, source in ELSEWHERE.items() if place.endswith(".md")},
}


def pages(nav: Any) -> Iterator[str]:
    """What a navigation lists, section by section."""
    if isinstance(nav, str):
        yield nav
    else:
        for entry in nav.values() if isinstance(nav, dict) else nav:
            yield from pages(entry)


def test_the_navigation_has_every_page_once() -> None:
    assert sorted(pages(SITE["nav"])) == sorted(SOURCES), "mkdocs.yml, nav"


@pytest.mark.parametrize("page", sorted(SOURCES))
def test_links(page: str) -> None:
    source = SOURCES[page]
    published = {(ROOT / other).resolve() for other in ELSEWHERE.values()}
    for target, anchor in links(source.read_text()):
        found = (source.parent / target).resolve() if target else source
        assert found.is_file(), target
        assert found.is_relative_to(ROOT / "docs") or found in published, f"{target} is no page of the site"
        assert not anchor or anchor in anchors(found.read_text()), f"{target}#{anchor}"


@pytest.mark.parametrize("page", sorted(SOURCES.keys() - ELSEWHERE.keys()))
def test_pages_are_small(page: str) -> None:
    assert len(SOURCES[page].read_text().splitlines()) <= 400


def test_a_heading_has_the_anchor_that_github_gives_it() -> None:
    text = "# What `make serve` does otherwise, than AWS\n\n```sh\n# no heading\n```\n\n## 100 ms_wide\n"
    assert anchors(text) == {"what-make-serve-does-otherwise-than-aws", "100-ms_wide"}


def test_links_of_code_are_none() -> None:
    text = "[a](b.md#c) [d](#e) [f](https://example.com/g)\n\n```python\nattr[0](x)\n```\n"
    assert links(text) == [("b.md", "c"), ("", "e")]


def test_the_page_for_operators_has_every_alarm_and_what_it_guards() -> None:
    table = section(SOURCES["operate.md"].read_text(), "Alarms").split("\n### ")[0]
    rows = re.findall(r"^\| (\[.+) \| .+ \|(.*)\|$", table, re.MULTILINE)
    guarded = {alarm: what.strip() for alarms, what in rows for alarm in re.findall(r"\[(\w+)\]", alarms)}
    assert guarded.keys() == named("AWS::CloudWatch::Alarm").keys()
    for name, words in {"ApiFunction": "the API", "WorkerFunction": "the worker"}.items():
        guards = named("AWS::Serverless::Function")[name]["DeploymentPreference"]["Alarms"]
        assert {alarm["Ref"] for alarm in guards} == {
            alarm for alarm, what in guarded.items() if what in ("both", words)
        }


def test_the_page_for_operators_names_parameters_and_outputs_that_there_are() -> None:
    page = SOURCES["operate.md"].read_text()
    settings = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", section(page, "Settings"), re.MULTILINE)
    assert settings
    assert set(re.findall(r"`(\w+)`", " ".join(settings))) <= TEMPLATE["Parameters"].keys()
    assert set(re.findall(r"`(\w+(?:Url|LogGroup))`", page)) <= TEMPLATE["Outputs"].keys()


def named(kind: str) -> dict[str, Any]:
    """The properties of the template's resources of a type."""
    return {
        name: resource["Properties"] for name, resource in TEMPLATE["Resources"].items() if resource["Type"] == kind
    }


def test_the_page_for_operators_has_what_the_functions_log() -> None:
    handlers = "".join(path.read_text() for path in ROOT.glob("functions/*/*.py"))
    logged = set(re.findall(r'logger\.\w+\(\s*"([^"]+)"', handlers))
    logs = section(SOURCES["operate.md"].read_text(), "Logs")
    assert logged == set(re.findall(r"^\| `([a-z ]+)` \|", logs, re.MULTILINE))
    assert logged >= set(re.findall(r'message = "([^"]+)"', logs))


@pytest.mark.parametrize(
    "text",
    [
        f"{wire.MAX_ITEM_BYTES // 1024} KB",
        f"{wire.MAX_DIGITS} digits",
        *(f"{size:,} bytes" for size in keys.KEY_LIMITS),
        f"{paths.MAX_DEPTH} levels",
        f"{placeholders.MAX_EXPRESSION_BYTES:,} bytes",
        f"{placeholders.MAX_OPERATORS} operators",
        f"| {placeholders.MAX_OPERATORS - 1} |",
        f"| {attributes.MAX_CHOICES} values",
        f"{writes.MAX_WRITES - 1}; {writes.MAX_WRITES} without a key",
        f"{schedule.MAX_BYTES // 1_000_000} MB",
        f"{queries.MAX_LIMIT:,} items",
        f"| {parallel_scan.MAX_SEGMENTS} |",
        f"{idempotency_key.MAX_KEY_LENGTH} printable characters",
        f"{ledger.DEFAULT_RETENTION_DAYS} days",
        f"{outcome.MAX_OUTCOME_BYTES // 1024} KB",
        f"| {slots.CLOSE_AT} |",
        f"| {slots.MAX_CLAIMS} |",
        f"{operations.MAX_MESSAGE_BYTES // 1024:,} KiB",
    ],
)
def test_the_page_of_limits_has_the_figures_of_the_library(text: str) -> None:
    assert text in SOURCES["limits.md"].read_text()
