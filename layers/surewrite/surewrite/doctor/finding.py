"""One thing that is wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`resource` is the logical id of what is wrong, `problem` says how, `remedy` what mends it."""

    resource: str
    problem: str
    remedy: str
