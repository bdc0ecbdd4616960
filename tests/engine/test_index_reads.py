"""Queries and scans of indexes, on the engine."""

from typing import Any

import pytest

from surewrite import GlobalIndex, InvalidRequest, Item, LocalIndex, PartitionKey, SortKey, attr
from tests.engine.house import House


class Post(
    Item,
    table="Posts",
    indexes=[
        LocalIndex("ByDate", "date", "KEYS_ONLY"),
        LocalIndex("ByViews", "views"),
        GlobalIndex("ByAuthor", "author", "date", projection=["title"]),
    ],
):
    forum: PartitionKey[str]
    subject: SortKey[str]
    date: str | None = None
    author: str | None = None
    title: str = ""
    views: int = 0
    notes: dict[str, str] = {}


POSTS = [
    Post(forum="f", subject=f"s{number}", date=f"2026-01-{10 - number:02}", title=f"t{number}", views=number)
    for number in range(6)
]
POSTS[1::2] = [post.model_copy(update={"author": "ann"}) for post in POSTS[1::2]]
OF_FORUM, BY_ANN = attr("forum").eq("f"), attr("author").eq("ann")


@pytest.fixture
def posts(house: House) -> Any:
    house = house.with_table(Post)
    house.seed(*POSTS, Post(forum="g", subject="undated"))
    return house.table(Post)


def test_a_local_index_has_its_own_order(posts: Any) -> None:
    assert [post.subject for post in posts.query(OF_FORUM, index="ByDate")] == ["s5", "s4", "s3", "s2", "s1", "s0"]
    late = OF_FORUM & attr("date").gt("2026-01-08")
    assert [post.subject for post in posts.query(late, index="ByDate", consistent=True)] == ["s1", "s0"]


def test_an_item_without_the_key_is_not_in_the_index(posts: Any) -> None:
    assert len(list(posts.scan(index="ByDate"))) == 6
    assert posts.count(index="ByAuthor") == 3
    assert posts.count() == 7


def test_an_index_that_holds_everything_gives_whole_items(posts: Any) -> None:
    assert list(posts.query(OF_FORUM & attr("views").gte(4), index="ByViews")) == POSTS[4:]


@pytest.mark.parametrize(
    ("index", "condition", "held"),
    [
        ("ByDate", OF_FORUM & attr("date").eq("2026-01-10"), {"forum", "subject", "date"}),
        ("ByAuthor", BY_ANN & attr("date").eq("2026-01-09"), {"forum", "subject", "author", "date", "title"}),
    ],
)
def test_an_index_that_holds_a_part_gives_partial_instances(
    posts: Any, index: str, condition: Any, held: set[str]
) -> None:
    (part,) = posts.query(condition, index=index)
    assert part.model_fields_set == held
    with pytest.raises(AttributeError, match=r"Post\.views was not read"):
        _ = part.views
    (same,) = posts.page(condition, index=index).items
    assert same == part


def test_a_local_index_fetches_what_it_does_not_hold(posts: Any) -> None:
    (part,) = posts.query(OF_FORUM & attr("date").eq("2026-01-10"), index="ByDate", fields=["views"])
    assert (part.subject, part.views) == ("s0", 0)


def test_a_global_index_does_not(posts: Any) -> None:
    (part,) = posts.query(BY_ANN & attr("date").eq("2026-01-09"), index="ByAuthor", fields=["title"])
    assert (part.subject, part.title, part.version_) == ("s1", "t1", None)
    with pytest.raises(InvalidRequest, match="fields views: the index does not hold this attribute"):
        posts.page(index="ByAuthor", fields=["title", "views"])


def test_the_position_of_a_page_holds_the_keys_of_both(posts: Any) -> None:
    first = posts.page(BY_ANN, index="ByAuthor", limit=2)
    assert first.next is not None
    assert first.next.keys() == {"forum", "subject", "author", "date"}
    rest = posts.page(BY_ANN, index="ByAuthor", next=first.next)
    assert [post.title for post in [*first.items, *rest.items]] == ["t5", "t3", "t1"]


def test_a_table_with_the_indexes_of_its_model(house: House) -> None:
    house = house.with_table(Post)
    found = house.client.describe_table(TableName=house.db.session.table(Post))["Table"]
    indexes = {one["IndexName"]: one for one in [*found["LocalSecondaryIndexes"], *found["GlobalSecondaryIndexes"]]}
    assert indexes.keys() == Post.schema_.indexes.keys()
    assert indexes["ByAuthor"]["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]}
