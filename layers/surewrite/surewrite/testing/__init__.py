"""Doubles for tests: transports that record or break calls, a clock, SQS records, a rejected queue, tables.

calls = RecordingTransport(Boto3Transport(client))
faults = FaultTransport(calls, Exactly({2: Fault.DROP_RESPONSE}))
db = Client("Ledger", transport=faults)
"""

from .clock import Clock
from .faults import Crash, Exactly, Fault, FaultPlan, FaultTransport, Randomly, cancellation, client_error
from .sqs import RecordingSQS, RejectedMessages, sqs_record
from .tables import create_ledger, create_table, create_tables
from .transports import InterceptingTransport, RecordingTransport

__all__ = [
    "Clock",
    "Crash",
    "Exactly",
    "Fault",
    "FaultPlan",
    "FaultTransport",
    "InterceptingTransport",
    "Randomly",
    "RecordingSQS",
    "RecordingTransport",
    "RejectedMessages",
    "cancellation",
    "client_error",
    "create_ledger",
    "create_table",
    "create_tables",
    "sqs_record",
]
