"""Documents that lie elsewhere in the repository (`extra.elsewhere` in mkdocs.yml) become pages of the site, and every
relative link, which holds in the repository, is made to hold there."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_TARGET = re.compile(r"(?<=\]\()(?![a-z]+:|[#/])[^)#\s]+")


def on_files(files: Files, config: Any) -> Files:
    root = Path(config.config_file_path).parent
    for place, source in config.extra["elsewhere"].items():
        files.append(File.generated(config, place, abs_src_path=str(root / source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    elsewhere: dict[str, str] = config.extra["elsewhere"]
    places = {source: place for place, source in elsewhere.items()}
    folder = posixpath.dirname(elsewhere.get(page.file.src_uri, f"docs/{page.file.src_uri}"))

    def moved(target: re.Match[str]) -> str:
        source = posixpath.normpath(posixpath.join(folder, target[0]))
        return places.get(source, source.removeprefix("docs/"))

    return _TARGET.sub(moved, markdown)
