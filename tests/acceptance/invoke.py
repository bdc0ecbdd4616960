"""`python -m tests.acceptance.invoke FUNCTION`: events from stdin through a handler of the template, in this process.

Its configuration is the environment's, as on Lambda; its stdout is nothing but the function's logs.
"""

import json
import sys

import boto3

from local import functions, template
from surewrite.testing import RecordingSQS
from tests.acceptance.harness import ROOT, load


def main() -> None:
    definition = template.read(ROOT / "template.yaml").functions[sys.argv[1]]
    module = load(definition, {})
    queue = RecordingSQS()
    setattr(boto3, "client", lambda service, **options: queue)  # noqa: B010 - boto3's types allow no other client here
    for event in json.load(sys.stdin):
        answer = module.handler(event, functions.Context(definition))
        print(json.dumps(answer), file=sys.stderr)
    tracers = [name for name in sys.modules if name.startswith("aws_xray")]
    assert not tracers, tracers


if __name__ == "__main__":
    main()
