from pathlib import Path

import pytest

from bookstore.models import MODELS
from local import template
from local.template import Route, TemplateError


def test_tables_have_their_keys(small_stack: Path) -> None:
    assert {name: table.key for name, table in template.read(small_stack).tables.items()} == {"Notes": {"id": "S"}}


def test_the_ledger_expires_and_what_a_model_says(definition: template.Template) -> None:
    expiring = {
        name: table.time_to_live_specification.attribute_name
        for name, table in definition.tables.items()
        if table.time_to_live_specification
    }
    said = {model.schema_.table: model.schema_.ttl for model in MODELS if model.schema_.ttl}
    assert expiring == {"Ledger": "expires_at", **said}


def test_queues_redrive_to_their_kind(definition: template.Template) -> None:
    queues = {queue.arn: queue for queue in definition.queues.values()}
    for queue in queues.values():
        if queue.redrive_policy:
            assert queues[queue.redrive_policy.dead_letter_target_arn].fifo_queue == queue.fifo_queue


def test_visibility_timeouts_are_six_times_the_workers(definition: template.Template) -> None:
    queues = {queue.arn: queue for queue in definition.queues.values()}
    for mapping in definition.mappings:
        function = definition.functions[mapping.function_name]
        assert queues[mapping.event_source_arn].visibility_timeout >= 6 * function.timeout
        assert mapping.partial_responses


def test_environment_follows_the_references(small_stack: Path) -> None:
    plain = template.read(small_stack).functions["Worker"]
    assert plain.environment == {
        "NOTES_TABLE": "Notes",
        "LEVEL": "INFO",
        "DAYS": "30",
        "ROLE": "worker",
        "DEAD_URL": "https://sqs.us-east-1.amazonaws.com/000000000000/Dead",
        "SUB": "us-east-1/arn:aws:dynamodb:us-east-1:000000000000:table/Notes",
    }
    referenced = template.read(small_stack, {"Dead": "http://q/Dead", "Level": "DEBUG"}).functions["Worker"]
    assert referenced.environment == plain.environment | {"DEAD_URL": "http://q/Dead", "LEVEL": "DEBUG"}


def test_globals_stand_under_a_functions_own_properties(small_stack: Path) -> None:
    worker = template.read(small_stack).functions["Worker"]
    assert (worker.handler, worker.timeout, worker.memory_size) == ("app.handler", 5, 256)
    assert worker.layers == [small_stack.parent / "shared"]


def test_routes_and_mappings(small_stack: Path) -> None:
    read = template.read(small_stack)
    assert read.routes == [Route("GET", "/notes/{id}", "Api"), Route("ANY", "$default", "Api")]
    ordered, jobs = read.mappings
    assert ordered.event_source_arn.endswith(":Ordered.fifo")
    assert not ordered.partial_responses
    assert (jobs.batch_size, jobs.maximum_batching_window_in_seconds) == (100, 1)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Type: AWS::DynamoDB::Table", "Typ: x", "Notes: Type is missing"),
        ("KeyType: HASH", "KeyType: HSH", "Notes: KeySchema.0.KeyType: Input should be 'HASH' or 'RANGE'"),
        ("!GetAtt Dead.Arn", "!GetAtt Daed.Arn", "Jobs: !GetAtt Daed.Arn is not known locally"),
        ("!Ref Notes", "!Ref Note", "Api: !Ref Note is not known locally"),
        ("!Ref Notes", "!If [A, b, c]", "Api: !If cannot be resolved locally"),
        ("FunctionName: !Ref Worker", "FunctionName: Wroker", "JobsMapping: FunctionName: there is no function Wroker"),
        ("CodeUri: api", "Code: api", "Api: CodeUri is missing"),
        ("BatchSize: 100", "BatchSize: 0", "JobsMapping: BatchSize: Input should be greater than or equal to 1"),
        ("VisibilityTimeout: 30", "VisibilityTimeout: 3", "JobsMapping: Jobs's VisibilityTimeout is shorter"),
        ("Resources:", "Resourcen:", "it has no Resources"),
        ("Resources:", "Resources: [", "template.yaml:14: did not find expected"),
    ],
)
def test_a_broken_template_is_one_clear_line(small_stack: Path, old: str, new: str, expected: str) -> None:
    small_stack.write_text(small_stack.read_text().replace(old, new))
    with pytest.raises(TemplateError) as caught:
        template.read(small_stack)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_template() -> None:
    with pytest.raises(TemplateError, match=r"nowhere\.yaml: No such file"):
        template.read(Path("nowhere.yaml"))
