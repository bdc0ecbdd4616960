"""SQS batch -> writes -> partial batch response."""

from __future__ import annotations

import gc

gc.disable()  # while everything is imported: nothing of it is garbage, and the searches take a sixth of a cold start

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from bookstore.models import MODELS
from surewrite import Client, Deadline
from surewrite.requests import Catalogue
from surewrite.settings import queues
from surewrite.sqs import Consumer, RejectedQueues, Report, SQSRejectedQueue

logger = Logger()
metrics = EphemeralMetrics()


def sqs_client() -> Any:
    """Made for the first rejected message; its retries stay within what an invocation has left."""
    return boto3.client("sqs", config=Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 1}))


db = Client.from_env(MODELS, also=("REJECTED_QUEUE_URL", "OPERATIONS_QUEUE", "REJECTED_OPERATIONS_QUEUE_URL"))
operations = os.environ["OPERATIONS_QUEUE"]
rejected = RejectedQueues(
    SQSRejectedQueue(os.environ["REJECTED_QUEUE_URL"], sqs_client),
    {operations: SQSRejectedQueue(os.environ["REJECTED_OPERATIONS_QUEUE_URL"], sqs_client)},
)
named = queues(os.environ.get("QUEUES", ""))
consumer = Consumer(db, Catalogue(*MODELS), rejected, queues=named, operations=operations)

gc.freeze()  # from now on what was imported is searched no more: a quarter of the time of a batch of 10,000
gc.enable()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Returns the messages that SQS shall deliver again; all others are done or in the rejected queue."""
    logger.set_correlation_id(context.aws_request_id)
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        raise ValueError("this is no SQS event: it has no list of Records")
    report = consumer.process(records, deadline=Deadline.of_lambda(context))
    _observe(report, len(records))
    return report.response()


def _observe(report: Report, received: int) -> None:
    """Counts and message ids; never a body, and no reason, because a reason may name what a user sent."""
    for name, count in (
        ("Applied", report.applied),
        ("Replayed", report.replayed),
        ("Rejected", len(report.rejected)),
        ("Retried", len(report.failures)),
    ):
        metrics.add_metric(name, MetricUnit.Count, count)
    metrics.flush_metrics()
    for rejection in report.rejected:
        logger.warning("message rejected", message_id=rejection.record.message_id, error=rejection.cause)
    for message_id, cause in report.errors.items():
        logger.warning("message will be retried", message_id=message_id, error=cause)
    logger.info("batch done", received=received, applied=report.applied, replayed=report.replayed)
