"""What stands for an AWS account on this machine: region, credentials, ARNs, clients."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

REGION = "us-east-1"
ACCOUNT = "000000000000"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "local"}

# An engine on this machine responds at once or never: no proxy in between, few retries.
_CONFIG = Config(
    region_name=REGION,
    proxies={},
    connect_timeout=2,
    read_timeout=30,
    max_pool_connections=50,
    retries={"mode": "standard", "total_max_attempts": 2},
)


def arn(service: str, resource: str) -> str:
    """The ARN of a local resource, for example `arn("sqs", "WritesQueue")`."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def environment(dynamodb: str, sqs: str) -> dict[str, str]:
    """The variables with which any AWS SDK finds the engines at these two endpoints."""
    return {
        **CREDENTIALS,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
        "AWS_ENDPOINT_URL_SQS": sqs,
    }


def dynamodb_client(endpoint: str) -> "DynamoDBClient":
    client: DynamoDBClient = _session().client("dynamodb", endpoint_url=endpoint, config=_CONFIG)
    return client


def sqs_client(endpoint: str) -> "SQSClient":
    client: SQSClient = _session().client("sqs", endpoint_url=endpoint, config=_CONFIG)
    return client


def _session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=CREDENTIALS["AWS_SESSION_TOKEN"],
    )
