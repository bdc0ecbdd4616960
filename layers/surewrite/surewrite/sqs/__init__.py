"""Messages of an SQS batch become writes: parsed one by one, committed, then done, rejected or to be retried.

A message that can never succeed is *rejected*: recorded in the ledger, sent to the rejected queue with the reason and
the key, then acknowledged. A crash in between sends a second copy; nothing is dropped.

records     what the consumer reads of a message      report     what became of the batch
messages    a message: its key, its write             copies     a rejected message as it is sent
cache       messages that ask for the same            rejected   the queue that it is sent to
consumer    the way through                       waiting    what waits in a rejected queue
                                                  redrive    how it goes back
"""

from .consumer import Consumer
from .records import SQSRecord
from .rejected import RejectedQueue, RejectedQueues, SQSRejectedQueue
from .report import Rejection, Report

__all__ = ["Consumer", "RejectedQueue", "RejectedQueues", "Rejection", "Report", "SQSRecord", "SQSRejectedQueue"]
