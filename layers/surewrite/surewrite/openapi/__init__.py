"""The OpenAPI 3.1 document of the API, generated from the models.

    document(MODELS, examples=[{"collection": "books", "method": "patch", …}])

Nothing here is imported by a function before someone asks for the document.
"""

from .document import document

__all__ = ["document"]
