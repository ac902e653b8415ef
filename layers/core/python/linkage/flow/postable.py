"""Postable: nothing is accepted that could not be posted.

Whoever accepts a fact first builds what will post it, by the code that will, and measures that.
"""

from linkage.ledger import Balance, Transaction
from linkage.tables import entries
from linkage.tables.conversions import mark_posted
from linkage.tables.limits import require_within

_ANY_LEDGER = "ledger"
"""Who accepts knows no ledger; no limit depends on its name."""


def require_postable(transaction: Transaction, conversion_id: str, fact: str) -> None:
    """Raises NotPostableError if posting what this fact of a conversion posts exceeds a limit.

    Balances are not read: one that is put whole is measured with this transaction's dates alone.
    """
    put = {
        entries.whose(line): Balance.empty(*entries.whose(line)).after(line)
        for line in transaction.lines
        if entries.is_put_whole(line)
    }
    posting = entries.operations(_ANY_LEDGER, transaction, put, {})
    require_within([*posting, mark_posted(conversion_id, fact)])
