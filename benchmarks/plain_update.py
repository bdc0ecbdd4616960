"""A plain UpdateItem for each message, as most workers do it: whatever is delivered twice counts twice."""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from benchmarks.messages import update_request

processor = BatchProcessor(event_type=EventType.SQS)
dynamodb = boto3.client("dynamodb")
BOOKS = os.environ["BOOKS_TABLE"]


def record_handler(record: SQSRecord) -> None:
    dynamodb.update_item(**update_request(BOOKS, record.json_body))


def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    return process_partial_response(event=event, record_handler=record_handler, processor=processor, context=context)
