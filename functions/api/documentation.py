"""The API's own description: the OpenAPI document, and a page that shows it.

What makes them is imported by the first request for them: no other pays for it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import surewrite
from bookstore.models import MODELS

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>surewrite</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<div id="page"></div>
<script>{script}</script>
<script>
SwaggerUIBundle({{url: "openapi.json", dom_id: "#page", deepLinking: true, filter: true, docExpansion: "none"}})
</script>
</body>
</html>
"""


@lru_cache(maxsize=1)
def document() -> str:
    """The OpenAPI document of the models, with the requests of events/ as its examples."""
    from surewrite import openapi
    from surewrite.model.json import dumps

    examples: list[dict[str, Any]] = json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8"))
    return dumps(openapi.document(MODELS, version=surewrite.__version__, examples=examples))


@lru_cache(maxsize=1)
def page() -> str:
    """The page; it fetches the document from beside it."""
    from importlib.resources import files

    assets = files("aws_lambda_powertools.event_handler.openapi.swagger_ui")
    style = (assets / "swagger-ui.min.css").read_text(encoding="utf-8")
    script = (assets / "swagger-ui-bundle.min.js").read_text(encoding="utf-8")
    return _PAGE.format(style=style, script=script)
