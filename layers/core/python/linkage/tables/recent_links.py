"""Links with their vendors' hosts as the redirect reads them, and the short memory of both."""

from collections.abc import Callable

from linkage.domain.clicks.links import Link, hosts_of, link_of
from linkage.tables.dynamodb.wire import DynamoDB


class Recent[Value]:
    """What was read in the last few seconds, by its key, so that what is busy costs no read.

    Only what exists is remembered. A link's code that is not one yet must work the moment it is
    made, and strangers trying codes must not push real links out.
    """

    def __init__(
        self,
        read: Callable[[str], Value | None],
        clock: Callable[[], float],
        *,
        keep_s: float = 5.0,
        most: int = 10_000,
    ) -> None:
        """Remember up to `most` values for `keep_s` seconds of `clock` after asking for them."""
        self._read, self._clock = read, clock
        self._keep_s, self._most = keep_s, most
        self._values: dict[str, tuple[float, Value]] = {}

    def __len__(self) -> int:
        """Return how many values are remembered, fresh or not."""
        return len(self._values)

    def find(self, key: str) -> Value | None:
        """Return the value of `key`, at most `keep_s` seconds old; raises what `read` raises."""
        now_s = self._clock()
        known = self._values.get(key)
        if known is not None and now_s - known[0] < self._keep_s:
            return known[1]
        self._values.pop(key, None)
        value = self._read(key)
        if value is None:
            return None
        if len(self._values) >= self._most:
            self._values.pop(next(iter(self._values)))  # in order of reading, so the oldest
        self._values[key] = (now_s, value)
        return value


class RecentLinks:
    """Links and, apart from them, the hosts of their vendors, each at most five seconds old.

    So a host that is taken away stops all links of its vendor by one read, and a link in memory
    costs none: the hosts are read once in five seconds for all links of a vendor together.
    """

    def __init__(
        self, dynamodb: DynamoDB, tables: tuple[str, str], clock: Callable[[], float]
    ) -> None:
        """Read from the `tables` of links and of members; `clock` gives seconds."""
        self._dynamodb = dynamodb
        self._links_table, self._members_table = tables
        self._links = Recent(self._read_link, clock)
        self._hosts = Recent(self._read_hosts, clock, most=1_000)

    def find(self, code: str) -> tuple[Link | None, tuple[str, ...]]:
        """Return a link and the hosts it may lead to, none if there is none.

        Raises `DynamoDBError`.
        """
        link = self._links.find(code)
        hosts = None if link is None else self._hosts.find(link.vendor_id)
        return link, hosts or ()

    def _read_link(self, code: str) -> Link | None:
        item = self._dynamodb.get_item(self._links_table, {"code": code})
        return None if item is None else link_of(item)

    def _read_hosts(self, vendor_id: str) -> tuple[str, ...]:
        # Of a member nothing but its hosts is asked for: its role may read no more.
        key = {"member_id": vendor_id}
        return hosts_of(self._dynamodb.get_item(self._members_table, key, only="hosts"))
