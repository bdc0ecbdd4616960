"""What is set up wrongly: tables and queues against the models, and against the rules that the template keeps.

tables      keys, indexes, Time to Live, recovery      functions   the worker's mappings and its timeout
queues      redrive policies, timeouts, retention      finding     one thing that is wrong, with its remedy
"""

from .finding import Finding
from .functions import Worker, examine_mappings
from .queues import Expected, examine_queues
from .tables import examine_ledger, examine_table

__all__ = ["Expected", "Finding", "Worker", "examine_ledger", "examine_mappings", "examine_queues", "examine_table"]
