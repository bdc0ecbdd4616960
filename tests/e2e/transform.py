"""stdin: a SAM template; stdout: what it becomes in CloudFormation, as JSON. Run by the Python of the SAM CLI."""

import json
import sys

from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]
from samtranslator.translator.transform import transform  # type: ignore[import-not-found]

_BASIC = "AWSLambdaBasicExecutionRole"


class ManagedPolicies:
    """Those that the functions have besides their own; AWS would be asked for all of them."""

    def load(self) -> dict[str, str]:
        return {_BASIC: f"arn:aws:iam::aws:policy/service-role/{_BASIC}"}


json.dump(transform(yaml_parse(sys.stdin.read()), {}, ManagedPolicies()), sys.stdout)
