"""A small stack of its own: one table, two queues, an echoing API and a worker that can be told to fail."""

from pathlib import Path

import pytest

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Level: {Type: String, Default: INFO}
  Days: {Type: Number, Default: 30}
Globals:
  Function:
    Handler: app.handler
    Timeout: 5
    Layers: [!Ref Shared]
    Environment: {Variables: {NOTES_TABLE: !Ref Notes, LEVEL: !Ref Level, DAYS: !Ref Days}}
Resources:
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: shared}
  Notes:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 30
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2}
  Dead: {Type: AWS::SQS::Queue}
  Ordered:
    Type: AWS::SQS::Queue
    Properties: {FifoQueue: true, ContentBasedDeduplication: true}
  Api:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: api
      Environment: {Variables: {ROLE: api}}
      Events:
        Note: {Type: HttpApi, Properties: {Path: "/notes/{id}", Method: GET}}
        Rest: {Type: HttpApi}
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: worker
      MemorySize: 256
      Environment: {Variables: {ROLE: worker, DEAD_URL: !Ref Dead, SUB: !Sub "${AWS::Region}/${Notes.Arn}"}}
      Events:
        FromOrdered: {Type: SQS, Properties: {Queue: !GetAtt Ordered.Arn}}
  JobsMapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Jobs.Arn
      FunctionName: !Ref Worker
      BatchSize: 100
      MaximumBatchingWindowInSeconds: 1
      FunctionResponseTypes: [ReportBatchItemFailures]
"""

API = """
import os
import helper
from shared_code import NAME
ENVIRONMENT = dict(os.environ)

def handler(event, context):
    if event["rawPath"] == "/crash":
        raise RuntimeError("as told")
    return {"event": event, "role": ENVIRONMENT["ROLE"], "helper": helper.NAME, "shared": NAME,
            "remaining": context.get_remaining_time_in_millis()}
"""

WORKER = """
import os
import boto3
import helper
ROLE, TABLE = os.environ["ROLE"], os.environ["NOTES_TABLE"]

def handler(event, context):
    table = boto3.client("dynamodb")
    failures = []
    for record in event["Records"]:
        if record["body"] == "poison":
            failures.append({"itemIdentifier": record["messageId"]})
        else:
            table.put_item(TableName=TABLE, Item={"id": {"S": record["body"]}, "role": {"S": ROLE + helper.NAME}})
    return {"batchItemFailures": failures}
"""


@pytest.fixture
def small_stack(tmp_path: Path) -> Path:
    """The path of a template whose handlers stand beside it."""
    for folder, code in {"api": API, "worker": WORKER}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.py").write_text(code)
        (tmp_path / folder / "helper.py").write_text(f"NAME = 'of {folder}'\n")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "shared_code.py").write_text("NAME = 'shared'\n")
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    return path
