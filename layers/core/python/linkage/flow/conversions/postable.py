"""Postable: nothing is accepted that could not be posted.

Whoever accepts a fact first builds what will post it, by the code that will, and measures that.
"""

from linkage.domain.ledger.ledger import Balance, Transaction
from linkage.tables import ledger_entries
from linkage.tables.conversions import mark_posted
from linkage.tables.dynamodb.limits import require_within

_ANY_LEDGER = "ledger"
"""Who accepts knows no ledger; no limit depends on its name."""


def require_postable(transaction: Transaction, conversion_id: str, fact: str) -> None:
    """Raises NotPostableError if posting what this fact of a conversion posts exceeds a limit.

    Balances are not read: one that is put whole is measured with this transaction's dates alone.
    """
    put = {
        ledger_entries.whose(line): Balance.empty(*ledger_entries.whose(line)).after(line)
        for line in transaction.lines
        if ledger_entries.is_put_whole(line)
    }
    posting = ledger_entries.operations(_ANY_LEDGER, transaction, put, {})
    require_within([*posting, mark_posted(conversion_id, fact)])
