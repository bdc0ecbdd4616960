"""The documents: each is a page of the site, and every relative link leads somewhere, to a heading if it names one."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.engines import ROOT
from tests.markdown import anchors, links

SITE: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(), yaml.BaseLoader)  # noqa: S506 - texts, and no objects
ELSEWHERE: dict[str, str] = SITE["extra"]["elsewhere"]
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
