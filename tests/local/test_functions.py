import contextlib
import gc
import os
import sys
from pathlib import Path

import pytest

from local import functions, template


def load(path: Path, name: str) -> functions.Function:
    definition = template.read(path).functions[name]
    return functions.load(definition, functions.environment(definition, {"AWS_REGION": "us-east-1"}))


def test_handlers_of_the_same_name_do_not_meet(small_stack: Path) -> None:
    before = dict(os.environ)
    load(small_stack, "Worker")
    answer = load(small_stack, "Api")({"rawPath": "/"})
    assert (answer["role"], answer["helper"], answer["shared"]) == ("api", "of api", "shared")
    assert 4000 < answer["remaining"] <= 5000
    assert "helper" not in sys.modules
    assert dict(os.environ) == before


def test_the_environment_is_lambdas(small_stack: Path) -> None:
    definition = template.read(small_stack).functions["Worker"]
    variables = functions.environment(definition, {"AWS_ENDPOINT_URL_SQS": "http://sqs"})
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "Worker"
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert variables["NOTES_TABLE"] == "Notes"
    assert variables["AWS_ENDPOINT_URL_SQS"] == "http://sqs"


def test_an_exception_is_the_callers(small_stack: Path) -> None:
    with pytest.raises(RuntimeError, match="as told"):
        load(small_stack, "Api")({"rawPath": "/crash"})


@pytest.mark.parametrize("handler", ["app.nothing", "nothing.handler"])
def test_a_missing_handler_is_one_clear_line(small_stack: Path, handler: str) -> None:
    small_stack.write_text(small_stack.read_text().replace("app.handler", handler))
    with pytest.raises(functions.LoadError, match=r"Api: .*nothing") as caught:
        load(small_stack, "Api")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rest", ["", "raise RuntimeError('as told')"])
def test_a_function_that_imports_without_the_garbage_collector(small_stack: Path, rest: str) -> None:
    """Lambda ends the process of one that fails meanwhile; here it goes on."""
    handler = template.read(small_stack).functions["Api"].code_uri / "app.py"
    handler.write_text(f"import gc\n\ngc.disable()\n{rest}\n{handler.read_text()}")
    with contextlib.suppress(RuntimeError):
        load(small_stack, "Api")
    assert gc.isenabled()
