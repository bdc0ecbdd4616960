"""Pending keys: the ledger says of a key, without consuming it, that a write under it was accepted and is on its way.

The mark is made before the write is sent. So whatever is lost after it, the message or the process, leaves a key that
is as free as it was: the same request may be sent again, either way, and a claim takes the record over with no call
more than it needs in any case.
"""

from __future__ import annotations

from ..errors import Conflict, KeyReused
from ..writes import AnyWrite, BulkWrite, Write
from .bulk import head_claim
from .failures import CheckFailed
from .idempotency_key import IdempotencyKey
from .one import whole
from .outcome import Outcome, replayed
from .records import Claim, Record, pending_request
from .session import Call, Session


def accept(session: Session, write: AnyWrite, key: IdempotencyKey, call: Call) -> Outcome | None:
    """Marks the key as pending. None, or the outcome if the write was applied before: of a bulk write, if its first
    chunk was.

    Raises KeyReused where the key was consumed by another request, and where it is pending for another one: only one of
    the two would be applied, and the other's client would not be told.
    """
    claim = head_claim(write, key) if isinstance(write, BulkWrite) else Claim.of(write, key)
    ledger = session.ledger
    try:
        session.call("UpdateItem", pending_request(ledger.table, claim, ledger.clock(), ledger.retention), call)
    except CheckFailed as failed:
        record = _standing(session, claim, failed, call)
    else:
        return None
    if not record.consumed:
        raise KeyReused
    outcome = replayed(claim, record).unwrap()
    return whole(session, write, outcome, call) if isinstance(write, Write) else outcome


def _standing(session: Session, claim: Claim, failed: CheckFailed, call: Call) -> Record:
    """The record that stood in the way. AWS does not promise to bring it, and then it may be gone."""
    record = session.ledger.standing(failed.item) or session.records([claim.key], call)[claim.key]
    if record is None or not (record.consumed or record.fingerprint != claim.fingerprint):
        raise Conflict("another request was about to use the key")
    return record
