"""What responses say of consumed capacity and of item collections."""

from surewrite.commit.capacity import Usage, measure, measures, options

METRICS = {"ItemCollectionKey": {"ForumName": {"S": "f"}}, "SizeEstimateRangeGB": [0.0, 1.0]}


def test_item_collections_of_every_form() -> None:
    usage = Usage("NONE", True)
    usage.note({"TableName": "Thread"}, {"ItemCollectionMetrics": METRICS})
    usage.note({"TransactItems": []}, {"ItemCollectionMetrics": {"Thread": [METRICS, METRICS], "Other": [METRICS]}})
    usage.note({"TableName": "Books"}, {"ItemCollectionMetrics": {}})
    usage.note({"TableName": "Books"}, {})
    assert usage.item_collections == {"Thread": [METRICS] * 3, "Other": [METRICS]}


def test_capacity_of_every_form() -> None:
    usage = Usage("TOTAL", False)
    usage.note({"TableName": "Books"}, {"ConsumedCapacity": {"TableName": "Books", "CapacityUnits": 1.5}})
    usage.note({"RequestItems": {}}, {"ConsumedCapacity": [{"TableName": "Books", "CapacityUnits": 1.0}]})
    assert usage.capacity == {"Books": {"CapacityUnits": 2.5}}


def test_what_is_asked_for() -> None:
    total, metrics = Usage("TOTAL", False), Usage("NONE", True)
    assert options("GetItem", "INDEXES", [total]) == {"ReturnConsumedCapacity": "INDEXES"}
    assert options("Query", None, [total, metrics]) == {"ReturnConsumedCapacity": "TOTAL"}
    assert options("PutItem", None, [metrics]) == {"ReturnItemCollectionMetrics": "SIZE"}
    assert options("PutItem", "NONE", []) == options("CreateTable", "TOTAL", [total, metrics]) == {}


def test_measures_end_in_turn() -> None:
    assert measures() == ()
    with measure() as outer:
        with measure() as inner:
            assert measures() == (outer, inner)
        assert measures() == (outer,)
    assert measures() == ()
