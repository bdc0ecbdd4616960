"""The real engine with one item, and the places where it is known to differ from DynamoDB on AWS.

DynamoDB Local has none of them, so that nothing is left out of what is drawn for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from surewrite import ReturnValues, Update
from surewrite.expressions.actions import Action, AddAction, DeleteAction, RemoveAction
from surewrite.expressions.conditions import Condition, render_condition
from surewrite.expressions.operands import MISSING, IfNotExists, ListAppend, Operand, Ref, Sum, look_up
from surewrite.expressions.placeholders import Placeholders
from surewrite.expressions.projection import project
from surewrite.model.wire import Image, image_from_wire, image_to_wire
from surewrite.paths import Element, Path
from tests import engines
from tests.property.strategies import KEY

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class EngineRefused(Exception):
    """A ValidationException."""


@dataclass(frozen=True)
class Engine:
    """One item in one table."""

    client: "DynamoDBClient"
    table: str

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            response: dict[str, Any] = getattr(self.client, operation)(TableName=self.table, **parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationException":
                raise EngineRefused(error.response["Error"]["Message"]) from None
            raise
        return response

    def store(self, image: Image | None) -> None:
        if image is None:
            self._call("delete_item", Key=image_to_wire(KEY))
        else:
            self._call("put_item", Item=image_to_wire(image))

    def stored(self) -> Image | None:
        item = self._call("get_item", Key=image_to_wire(KEY)).get("Item")
        return None if item is None else image_from_wire(item)

    def update(self, update: Update, returns: ReturnValues = "NONE") -> Image | None:
        """What UpdateItem returns; EngineRefused where it refuses."""
        rendered = update.expression.parameters()
        attributes = self._call("update_item", Key=image_to_wire(KEY), ReturnValues=returns, **rendered).get(
            "Attributes"
        )
        return None if attributes is None else image_from_wire(attributes)

    def holds(self, condition: Condition) -> bool:
        """Whether a write under the condition would go ahead; nothing is changed."""
        place = Placeholders()
        text = render_condition(condition, place)
        check: Any = {
            "TableName": self.table,
            "Key": image_to_wire(KEY),
            "ConditionExpression": text,
            **place.parameters(),
        }
        try:
            self.client.transact_write_items(TransactItems=[{"ConditionCheck": check}])
        except ClientError as error:
            reasons: list[Any] = error.response.get("CancellationReasons", [])
            if [reason["Code"] for reason in reasons] == ["ConditionalCheckFailed"]:
                return False
            raise EngineRefused(str(error)) from None
        return True


def in_turn(update: Update) -> bool:
    """Whether the update removes elements of a list and has ADD or DELETE on others of that list. DynamoDB does it at
    once; in an engine with quirks the second meets what the first has left."""
    removed, changed = (
        {
            action.path[:-1]
            for action in update.actions
            if isinstance(action, kinds) and isinstance(action.path[-1], int)
        }
        for kinds in (RemoveAction, AddAction | DeleteAction)
    )
    return bool(removed & changed) and engines.chosen().quirks


def leading_nowhere(update: Update, image: Mapping[str, Any]) -> list[Action]:
    """Actions below something that is no map, or no list, which DynamoDB refuses: "the document path provided in the
    update expression is invalid". An engine with quirks ignores REMOVE and DELETE there, and puts maps and lists in the
    place of NULL and beyond the end of a list.
    """
    if not engines.chosen().quirks:
        return []
    return [
        action
        for action in update.actions
        if not _is_container(look_up(image, Path(action.path[:-1])), action.path[-1])
        and (isinstance(action, RemoveAction | DeleteAction) or _is_made(action.path, image))
    ]


def _is_container(value: Any, element: Element) -> bool:
    return isinstance(value, dict if isinstance(element, str) else list)


def _is_made(path: Path, image: Mapping[str, Any]) -> bool:
    """Whether the path leads through NULL, or through an element beyond its list's end."""
    parents = [look_up(image, Path(path[:depth])) for depth in range(1, len(path))]
    ends = zip(parents, path[1:-1], strict=False)
    beyond = any(isinstance(parent, list) and isinstance(e, int) and e >= len(parent) for parent, e in ends)
    return None in parents or beyond


def of_named_elements(update: Update, paths: Iterable[Path], returned: Image | None) -> Image | None:
    """UPDATED_OLD and UPDATED_NEW without the elements of lists and maps that the paths do not name.

    DynamoDB returns what was updated, of lists closed up; Dynoxide returns whole lists, DynamoDB Local whole maps, too.
    """
    if returned is None or all(len(path) == 1 for path in update.paths):
        return returned
    return project(returned, paths) or None


def has_quirks(operand: Operand) -> bool:
    """Whether the operand has what DynamoDB refuses and an engine with quirks accepts: list_append within another
    operand, the path itself as the default in if_not_exists."""
    match operand:
        case IfNotExists(path=path, default=Ref(path=other)) if path == other:
            return True
    return any(isinstance(inner, ListAppend) or has_quirks(inner) for inner in _within(operand))


def refers_nowhere(operand: Operand, image: Mapping[str, Any]) -> bool:
    """Whether the operand names a path that the item does not have, if only as a default that is not needed: DynamoDB
    Local refuses that, the others do not, the documentation does not say. The library leaves it to DynamoDB."""
    missing = isinstance(operand, Ref) and look_up(image, operand.path) is MISSING
    return missing or any(refers_nowhere(inner, image) for inner in _within(operand))


def _within(operand: Operand) -> list[Operand]:
    match operand:
        case ListAppend(first=first, second=second) | Sum(left=first, right=second):
            return [first, second]
        case IfNotExists(default=default):
            return [default]
    return []
