"""The code in a document, its links and what they may lead to."""

import re

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks, each with its language."""
    return [(match[1], match[2]) for match in _BLOCK.finditer(text)]


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def links(text: str) -> list[tuple[str, str]]:
    """The relative links: the file, empty for the document itself, and the anchor, empty for its top."""
    return [(match[1], match[2] or "") for match in _LINK.finditer(_BLOCK.sub("", text))]


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as GitHub and the site make them."""
    headings = (match[1].strip().lower() for match in _HEADING.finditer(_BLOCK.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}
