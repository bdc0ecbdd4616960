"""The template deployed by CloudFormation to an emulator that enforces IAM, and every event by the functions' own
roles: `make test-deployed`.

Not among the tests that `make test` collects: it needs the SAM CLI, for its transform. What the emulator does not have
is left out of the stack (CodeDeploy, alarms, layers); its functions run under Lambda's runtime beside it, with the
credentials of their roles.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local import aws, emulator
from local.engines import ministack
from local.resources import Resources
from tests.acceptance.harness import saved_event
from tests.e2e.stage import EXPECTED, Invoke, Stage, function_of
from tests.serving import ROOT

_SERVICES = "dynamodb,sqs,cloudformation,sts,iam,lambda,logs,apigatewayv2"
_LEFT_OUT = ("AWS::CodeDeploy", "AWS::CloudWatch", "AWS::Lambda::LayerVersion", "AWS::Lambda::EventSourceMapping")
_PARAMETERS = {"Authorization": "NONE", "CursorKey": "k" * 32, "DeletionProtection": "false"}

Template = dict[str, Any]


def translated(text: str) -> Template:
    """What the SAM transform makes of the template, without what the emulator does not have."""
    packaged = re.sub(r"(CodeUri|ContentUri): \S+", r"\1: s3://bucket/code.zip", text)
    ran = subprocess.run(
        [ROOT / ".engines/sam/bin/python", Path(__file__).with_name("transform.py")],
        input=packaged,
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": aws.REGION},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    template: Template = json.loads(ran.stdout)
    kept = {
        name: one
        for name, one in template["Resources"].items()
        if not one["Type"].startswith(_LEFT_OUT) and name != "CodeDeployServiceRole"
    }
    for one in kept.values():
        one.pop("UpdatePolicy", None)
        if one["Type"] == "AWS::Lambda::Function":
            one["Properties"] |= {"Code": {"ZipFile": "def handler(event, context): ..."}}
            del one["Properties"]["Layers"]
    outputs = {name: one for name, one in template["Outputs"].items() if name != "DashboardUrl"}
    return {"Resources": kept, "Outputs": outputs, **{part: template[part] for part in ("Parameters", "Conditions")}}


def over_plain_http(template: Template) -> None:
    """The emulator has no TLS: what the queues deny because of that would deny everything."""
    for one in template["Resources"].values():
        if one["Type"] == "AWS::SQS::QueuePolicy":
            document = one["Properties"]["PolicyDocument"]
            document["Statement"] = [s for s in document["Statement"] if s["Sid"] != "OnlyOverTls"]
    names = [name for name, one in template["Resources"].items() if _empty_policy(one)]
    for name in names:
        del template["Resources"][name]


def _empty_policy(resource: Any) -> bool:
    return resource["Type"] == "AWS::SQS::QueuePolicy" and not resource["Properties"]["PolicyDocument"]["Statement"]


def as_the_emulator_asks(template: Template) -> None:
    """AWS asks a batch of messages for SendMessage, and takes a role for the principal of its sessions. The emulator
    asks for an action that AWS does not have, and takes the session."""
    for statement in statements(template):
        if statement["Action"] == "sqs:SendMessage":
            statement["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]
    for one in template["Resources"].values():
        if one["Type"] == "AWS::SQS::QueuePolicy":
            for statement in one["Properties"]["PolicyDocument"]["Statement"]:
                _of_sessions(statement["Condition"])


def _of_sessions(condition: dict[str, Any]) -> None:
    if "ArnNotEquals" in condition:
        named = condition.pop("ArnNotEquals")["aws:PrincipalArn"]
        roles = [one["Fn::GetAtt"][0] for one in (named if isinstance(named, list) else [named]) if "Fn::GetAtt" in one]
        sessions = [{"Fn::Sub": f"arn:aws:sts::${{AWS::AccountId}}:assumed-role/${{{role}}}/*"} for role in roles]
        condition["ArnNotLike"] = {"aws:PrincipalArn": sessions}


def statements(template: Template) -> Iterator[Any]:
    """What the functions' roles are allowed."""
    for one in template["Resources"].values():
        if one["Type"] == "AWS::IAM::Role":
            for policy in one["Properties"].get("Policies", []):
                if "Fn::If" not in policy:
                    yield from policy["PolicyDocument"]["Statement"]


class Deployed:
    """A stack of the template on an emulator."""

    def __init__(self, endpoint: str, template: Template, path: Path) -> None:
        self.endpoint, self.path = endpoint, path
        self._cloudformation = self.client("cloudformation")
        self._deploy("create", template)
        listed = self._cloudformation.list_stack_resources(StackName="app")["StackResourceSummaries"]
        self.ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed}
        kinds = {one["LogicalResourceId"]: one["ResourceType"] for one in listed}

        def of(kind: str) -> dict[str, str]:
            return {name: self.ids[name] for name in kinds if kinds[name] == kind}

        self.resources = Resources(endpoint, endpoint, of("AWS::DynamoDB::Table"), of("AWS::SQS::Queue"))

    def client(self, service: str, **credentials: Any) -> Any:
        given = credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name=aws.REGION, **given)

    def credentials(self, function: str) -> dict[str, str]:
        """Those of the function's role, as variables."""
        role = self.client("iam").get_role(RoleName=self.ids[f"{function}Role"])["Role"]["Arn"]
        found = self.client("sts").assume_role(RoleArn=role, RoleSessionName=function)["Credentials"]
        names = {
            "AccessKeyId": "ACCESS_KEY_ID",
            "SecretAccessKey": "SECRET_ACCESS_KEY",
            "SessionToken": "SESSION_TOKEN",
        }
        return {f"AWS_{name}": found[member] for member, name in names.items()}

    def as_role(self, function: str, service: str) -> Any:
        return self.client(service, **{name.lower(): value for name, value in self.credentials(function).items()})

    def _deploy(self, how: str, template: Template) -> None:
        getattr(self._cloudformation, f"{how}_stack")(
            StackName="app",
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in _PARAMETERS.items()],
        )
        waiter = self._cloudformation.get_waiter(f"stack_{how}_complete")
        waiter.wait(StackName="app", WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    def delete(self) -> None:
        self._cloudformation.delete_stack(StackName="app")
        self._cloudformation.get_waiter("stack_delete_complete").wait(
            StackName="app", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )


class DeployedStage(Stage):
    """It has no mapping that empties the queue of operations: a test that wants the worker invokes it."""

    def _clear(self) -> None:
        self._sqs.purge_queue(QueueUrl=self.resources.queues["OperationsQueue"])
        super()._clear()


Change = Callable[[Template], object]


@contextmanager
def deployed(path: Path, *changes: Change) -> Iterator[Deployed]:
    template = translated(path.read_text())
    for change in changes:
        change(template)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTH", "true")
        with ministack(_SERVICES) as endpoint:
            yield Deployed(endpoint, template, path)


@contextmanager
def running(stack: Deployed) -> Iterator[tuple[Stage, Invoke]]:
    """The functions under their roles."""
    stage = DeployedStage(stack.resources, stack.path)
    with ExitStack() as cleanup:
        functions = {
            function.logical_id: cleanup.enter_context(
                emulator.running(function, {**variables, **stack.credentials(function.logical_id)})
            )
            for function, variables in stage.functions()
        }
        yield stage, lambda event: functions[function_of(event)](saved_event(event))


@pytest.fixture(scope="module")
def stack(bookstore: Path) -> Iterator[Deployed]:
    with deployed(bookstore, over_plain_http, as_the_emulator_asks) as stack:
        yield stack


@pytest.fixture(scope="module")
def played(stack: Deployed) -> Iterator[tuple[Stage, Invoke]]:
    with running(stack) as played:
        yield played


@pytest.mark.parametrize("event", EXPECTED)
def test_event(played: tuple[Stage, Invoke], event: str) -> None:
    stage, invoke = played
    stage.play(event, invoke, before=invoke)


def denied(call: Callable[..., Any], **request: Any) -> bool:
    """Whether IAM, or the queue's own policy, does not allow it; any other error is the test's."""
    try:
        call(**request)
    except ClientError as error:
        if "Denied" not in error.response["Error"]["Code"]:
            raise
        return True
    return False


def test_a_role_may_do_nothing_else(stack: Deployed) -> None:
    queues, tables = stack.resources.queues, stack.resources.tables
    key = {"Author": {"S": "John Grisham"}, "Title": {"S": "The Firm"}}
    for function in ("ApiFunction", "WorkerFunction"):
        dynamodb, sqs = stack.as_role(function, "dynamodb"), stack.as_role(function, "sqs")
        assert not denied(dynamodb.get_item, TableName=tables["Books"], Key=key)
        assert denied(dynamodb.delete_item, TableName=tables["Ledger"], Key={"id": {"S": "x"}})
        assert denied(dynamodb.delete_table, TableName=tables["Books"])
        assert denied(dynamodb.scan, TableName=tables["Ledger"])
        assert denied(sqs.send_message, QueueUrl=queues["WritesQueue"], MessageBody="x")
        assert denied(sqs.purge_queue, QueueUrl=queues["OperationsQueue"])


def test_only_the_api_sends_operations(stack: Deployed) -> None:
    queue = stack.resources.queues["OperationsQueue"]
    api, worker = stack.as_role("ApiFunction", "sqs"), stack.as_role("WorkerFunction", "sqs")
    assert not denied(api.send_message, QueueUrl=queue, MessageBody="x")
    assert denied(worker.send_message, QueueUrl=queue, MessageBody="x")
    assert denied(api.receive_message, QueueUrl=queue)
    assert not denied(worker.receive_message, QueueUrl=queue)


def test_no_queue_is_used_without_tls(bookstore: Path) -> None:
    with deployed(bookstore, as_the_emulator_asks) as stack:
        for queue in stack.resources.queues.values():
            assert denied(stack.as_role("ApiFunction", "sqs").send_message, QueueUrl=queue, MessageBody="x")


@pytest.mark.parametrize("action", ["dynamodb:UpdateItem", "dynamodb:PutItem", "dynamodb:GetItem"])
def test_it_shows_when_a_grant_is_missing(bookstore: Path, action: str) -> None:
    def without(template: Template) -> None:
        for statement in statements(template):
            if isinstance(statement["Action"], list) and action in statement["Action"]:
                statement["Action"].remove(action)

    with deployed(bookstore, over_plain_http, as_the_emulator_asks, without) as stack, running(stack) as (_, invoke):
        answers = [invoke(event) for event in ("api-put-book.json", "api-patch-rainmaker.json", "api-get-book.json")]
        assert 500 in [answer["statusCode"] for answer in answers]


def test_tables_and_queues_outlive_the_stack(bookstore: Path) -> None:
    with deployed(bookstore, over_plain_http) as stack:
        stack.delete()
        tables = stack.client("dynamodb").list_tables()["TableNames"]
        queues = stack.client("sqs").list_queues()["QueueUrls"]
        assert set(stack.resources.tables.values()) <= set(tables)
        assert set(stack.resources.queues.values()) <= set(queues)
