"""A function of the small stack under Lambda's own runtime."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import aws, emulator, functions, template
from local.emulator import FunctionError

if sys.platform == "linux":  # which alone it is made for

    def _variables(definition: template.Function) -> dict[str, str]:
        return functions.environment(definition, aws.environment("http://127.0.0.1:9", "http://127.0.0.1:9"))

    def test_a_function_returns_fails_and_logs(small_stack: Path) -> None:
        definition = template.read(small_stack).functions["Api"]
        with emulator.running(definition, _variables(definition)) as call:
            answer = call({"rawPath": "/notes/é"})
            assert answer["event"] == {"rawPath": "/notes/é"}
            assert (answer["role"], answer["helper"], answer["shared"]) == ("api", "of api", "shared")
            assert 0 < answer["remaining"] <= 5000
            with pytest.raises(FunctionError) as failed:
                call({"rawPath": "/crash"})
            assert json.loads(str(failed.value))["errorMessage"] == "as told"
            assert call.output.count("END RequestId") == 2

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            ("raise ValueError('at its import')", "ValueError"),
            ("import os\ndef handler(event, context): os._exit(3)", "Runtime.ExitError"),
            ("def handler(event, context): return '.' * 7_000_000", "Function.ResponseSizeTooLarge"),
        ],
    )
    def test_what_ends_a_function_is_its_failure(small_stack: Path, code: str, error: str) -> None:
        (small_stack.parent / "api" / "app.py").write_text(code)
        definition = template.read(small_stack).functions["Api"]
        with emulator.running(definition, _variables(definition)) as call:
            for _ in range(2):
                with pytest.raises(FunctionError, match=f'"{error}"'):
                    call({})

    def test_two_at_once_wait_for_each_other(small_stack: Path) -> None:
        definition = template.read(small_stack).functions["Api"]
        with emulator.running(definition, _variables(definition)) as call, ThreadPoolExecutor() as threads:
            events = [{"rawPath": f"/notes/{number}"} for number in range(20)]
            assert [answer["event"] for answer in threads.map(call, events)] == events

    def test_it_has_the_timeout_of_the_template_and_no_variables_of_ours(
        small_stack: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_PROFILE", "production")
        app = small_stack.parent / "api" / "app.py"
        app.write_text(
            "import os, time\ndef handler(event, context):\n    time.sleep(event)\n    return dict(os.environ)\n"
        )
        definition = template.read(small_stack).functions["Api"].model_copy(update={"timeout": 4})  # the start is in it
        with emulator.running(definition, _variables(definition)) as call:
            seen = call(0)
            assert (seen["ROLE"], seen["AWS_ACCESS_KEY_ID"]) == ("api", "local")
            assert "AWS_PROFILE" not in seen
            with pytest.raises(FunctionError, match="Task timed out after"):
                call(30)
