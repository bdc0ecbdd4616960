"""Many items from a file into a table, once, and back.

source    the file: its lines, what tells it from others     load    blocks of lines, each written once
formats   a line as an item, and an item as a line           pace    how much at a time
dump      every item of a table
"""

from .dump import stored_images
from .formats import FORMATS, format_of, item_line, read_rows
from .load import Load, Loaded
from .source import Source

__all__ = ["FORMATS", "Load", "Loaded", "Source", "format_of", "item_line", "read_rows", "stored_images"]
