"""The examples of the guides to boto3, to DynamoDB's items and to typed updates, as this library says them."""

from decimal import Decimal
from typing import Any

import pytest

from surewrite import Item, PartitionKey, SortKey, Table, attr
from surewrite.errors import ConditionFailed
from tests.engine.house import RAINMAKER, House, rainmaker
from tests.models import Address, Product, Thread, User

# --- the module on updating items ------------------------------------------------------------------------------------


def test_a_new_audiobook(house: House) -> None:
    house.seed(rainmaker())
    books = house.table(type(rainmaker()))
    books.update(RAINMAKER, {attr("Formats.Audiobook").set("8WE3KPTP")}, idempotency_key="audiobook")
    book = books.get(RAINMAKER)
    assert book is not None
    assert book.to_image() == {
        **rainmaker().to_image(),
        "Formats": {"Audiobook": "8WE3KPTP", "Hardcover": "J4SUKVGU", "Paperback": "D7YF4FCX"},
    }


# --- working with items and attributes -------------------------------------------------------------------------------

POST = ("Amazon DynamoDB", "New discussion thread")


def test_a_discussion_thread(house: House) -> None:
    threads = house.table(Thread)
    thread = Thread(
        forum_name=POST[0],
        subject=POST[1],
        message="First post in this thread",
        last_posted_by="fred@example.com",
        last_post_date_time="201603190422",
    )
    threads.put(thread)
    actions = {attr("Answered").set(0), attr("Replies").set(0), attr("LastPostedBy").set("barney@example.com")}
    shown = threads.update(POST, actions, return_values="ALL_NEW", idempotency_key="reply")
    assert shown == thread.model_copy(update={"last_posted_by": "barney@example.com"})
    assert threads.delete(POST, return_values="ALL_OLD") == shown
    assert threads.get(POST) is None


@pytest.mark.parametrize("idempotency_key", [None, "raise"])
def test_an_atomic_counter(house: House, idempotency_key: str | None) -> None:
    house.seed(Product(id=601, description="Snowboard", quantity_on_hand=5, price=Decimal(100)))
    products = house.table(Product)
    actions = {attr("Price").increment(5)}
    answers = [
        products.update(601, actions, return_values="UPDATED_NEW", idempotency_key=idempotency_key) for _ in range(3)
    ]
    # "UpdateItem is not idempotent, the Price increases every time you run this code"
    assert (house.shown(Product, 601) or {})["Price"] == (115 if idempotency_key is None else 105)
    prices = [answer.price for answer in answers if answer is not None]
    assert prices == ([105, 110, 115] if idempotency_key is None else [105, 105, 105])


def test_a_conditional_write_that_is_sent_again(house: House) -> None:
    house.seed(Product(id=1, price=Decimal(20)))
    products = house.table(Product)
    for _ in range(2):
        products.update(1, {attr("Price").increment(3)}, when=attr("Price").eq(20), idempotency_key="once")
    with pytest.raises(ConditionFailed):
        products.update(1, {attr("Price").increment(3)}, when=attr("Price").eq(20))
    assert (house.shown(Product, 1) or {})["Price"] == 23


def test_some_attributes_of_a_product(house: House) -> None:
    house.seed(Product(id=1, description="Bicycle", price=Decimal(500), related_items=[341, 472], quantity_on_hand=1))
    product = house.table(Product).get(1, consistent=True, fields=["Description", "Price", "RelatedItems"])
    assert product is not None
    assert product.model_dump(exclude_unset=True) == {
        "id": 1,
        "description": "Bicycle",
        "price": 500,
        "related_items": [341, 472],
    }


# --- typed updates ---------------------------------------------------------------------------------------------------


class Person(Item, table="People"):
    user_id: PartitionKey[str]
    name: str
    email: str | None = None
    login_count: int = 0
    roles: set[str] = set()
    address: Address = Address()


class ComplexOrder(Item, table="Orders"):
    order_id: PartitionKey[str]
    created_at: SortKey[str]
    basket: dict[str, Any]


@pytest.fixture
def people(house: House) -> Table[Person]:
    people = house.with_table(Person).table(Person)
    people.put(Person(user_id="u1", name="Alice", email="a@example.com", login_count=4, roles={"admin", "user"}))
    return people


ALICE = {"user_id": "u1", "name": "Alice", "email": "a@example.com", "login_count": 4, "roles": {"admin", "user"}}
UPDATES: dict[str, tuple[set[Any], dict[str, Any]]] = {
    "set": ({attr("name").set("Bob")}, {"name": "Bob"}),
    "remove": ({attr("email").remove()}, {"email": None}),
    "add": ({attr("login_count").add(1)}, {"login_count": 5}),
    "delete": ({attr("roles").delete({"admin"})}, {"roles": {"user"}}),
    "nested": ({attr("address.city").set("New York")}, {"address": Address(city="New York")}),
    "several": (
        {attr("name").set("Alice Smith"), attr("email").remove(), attr("login_count").add(1)},
        {"name": "Alice Smith", "email": None, "login_count": 5},
    ),
}


@pytest.mark.parametrize("idempotency_key", [None, "k"])
@pytest.mark.parametrize("name", UPDATES)
def test_actions(people: Table[Person], name: str, idempotency_key: str | None) -> None:
    actions, changes = UPDATES[name]
    shown = people.update("u1", actions, return_values="ALL_NEW", idempotency_key=idempotency_key)
    assert shown == Person.model_validate({**ALICE, **changes})
    assert people.get("u1") == shown


def test_an_element_of_a_list(house: House) -> None:
    orders = house.with_table(ComplexOrder).table(ComplexOrder)
    order = ("o1", "2026-01-01T00:00:00")
    orders.put(
        ComplexOrder(order_id=order[0], created_at=order[1], basket={"items": [{"qty": 1}, {"qty": 2, "sku": "b"}]})
    )
    for _ in range(2):
        shown = orders.update(
            order, {attr("basket.items[1].qty").set(9)}, return_values="ALL_NEW", idempotency_key="qty"
        )
        assert shown is not None
        assert shown.basket == {"items": [{"qty": 1}, {"qty": 9, "sku": "b"}]}
    assert orders.get(order) == shown


def test_a_conditional_update(people: Table[Person]) -> None:
    actions = {attr("name").set("Alice Smith")}
    shown = people.update("u1", actions, when=attr("name").eq("Alice"), return_values="ALL_NEW")
    assert shown is not None
    assert shown.name == "Alice Smith"
    with pytest.raises(ConditionFailed):
        people.update("u1", actions, when=attr("name").eq("Alice"), return_values="ALL_NEW")


# --- boto3's guide ---------------------------------------------------------------------------------------------------


def _user(username: str, names: str, age: int, account: str, road: str, city: str, state: str, zipcode: int) -> User:
    first, last = names.split()
    address = Address(road=road, city=city, state=state, zipcode=zipcode)
    return User(username=username, first_name=first, last_name=last, age=age, account_type=account, address=address)


JOHN = _user("johndoe", "John Doe", 25, "standard_user", "1 Jefferson Street", "Los Angeles", "CA", 90001)
JANE = _user("janedoering", "Jane Doering", 40, "super_user", "2 Washington Avenue", "Seattle", "WA", 98109)
BOB = _user("bobsmith", "Bob Smith", 18, "standard_user", "3 Madison Lane", "Louisville", "KY", 40213)
ALICE_DOE = _user("alicedoe", "Alice Doe", 27, "super_user", "1 Jefferson Street", "Los Angeles", "CA", 90001)
ANONYMOUS = [
    User(username=f"user{number}", account_type="anonymous", first_name="unknown", last_name="unknown")
    for number in range(50)
]


@pytest.fixture
def users(house: House) -> Table[User]:
    users = house.table(User)
    for user in (JOHN, JANE, BOB, ALICE_DOE, *ANONYMOUS):
        users.put(user)
    return users


def _names(found: Any) -> list[str]:
    return sorted(user.username for user in found)


def test_query_by_username(users: Table[User]) -> None:
    assert list(users.query(attr("username").eq("johndoe"))) == [JOHN]


def test_scan_by_age(users: Table[User]) -> None:
    assert sorted(users.scan(attr("age").lt(27)), key=lambda user: user.username) == [BOB, JOHN]


def test_scan_by_two_attributes(users: Table[User]) -> None:
    assert list(users.scan(attr("first_name").begins_with("J") & attr("account_type").eq("super_user"))) == [JANE]


def test_scan_by_a_nested_attribute(users: Table[User]) -> None:
    assert sorted(users.scan(attr("address.state").eq("CA")), key=lambda user: user.username) == [ALICE_DOE, JOHN]


def test_scan_with_or_and_not(users: Table[User]) -> None:
    assert _names(users.scan(attr("age").lt(20) | attr("age").gt(30))) == ["bobsmith", "janedoering"]
    assert _names(users.scan(~attr("account_type").eq("anonymous"))) == [
        "alicedoe",
        "bobsmith",
        "janedoering",
        "johndoe",
    ]


def test_scan_of_everybody(users: Table[User]) -> None:
    assert len(list(users.scan())) == 54
    assert _names(users.scan(attr("account_type").eq("anonymous"))) == _names(ANONYMOUS)


def test_put_get_update_delete(house: House) -> None:
    users = house.table(User)
    jane = User(username="janedoe", first_name="Jane", last_name="Doe", age=25, account_type="standard_user")
    users.put(jane)
    assert users.get(("janedoe", "Doe")) == jane
    users.update(("janedoe", "Doe"), {attr("age").set(26)})
    assert users.get({"username": "janedoe", "last_name": "Doe"}) == jane.model_copy(update={"age": 26})
    users.delete(("janedoe", "Doe"))
    assert users.get(jane) is None
