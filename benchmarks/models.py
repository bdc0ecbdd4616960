"""The benchmark's own model: whatever a team has put into its layer, every contender counts the views of books."""

from pydantic import ConfigDict
from pydantic.alias_generators import to_pascal

from surewrite import Item, PartitionKey, SortKey


class Book(Item, table="Books", collection="books"):
    """A counter under the benchmark's name."""

    model_config = ConfigDict(alias_generator=to_pascal)

    author: PartitionKey[str]
    title: SortKey[str]
    views: int = 0


MODELS = (Book,)
