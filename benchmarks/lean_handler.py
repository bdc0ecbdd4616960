"""What any handler pays before it has done anything: the yardstick of the cold start."""

from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from pydantic import BaseModel

logger = Logger()
metrics = Metrics()
dynamodb = boto3.client("dynamodb")


class Message(BaseModel):
    body: str


def handler(event: dict[str, Any], context: Any) -> None:
    """Does nothing."""
