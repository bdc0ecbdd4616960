"""What workers have in common, for the process that they are forked from: the imports, and botocore's models."""

import sys

import aws_lambda_powertools.metrics
import aws_lambda_powertools.utilities.batch  # noqa: F401
import boto3

from local import aws
from local.engines import ROOT

sys.path.append(str(ROOT / "layers" / "surewrite"))

import surewrite.sqs  # noqa: F401
import tests.models  # noqa: F401

for service in ("dynamodb", "sqs"):
    boto3.client(service, region_name=aws.REGION)
