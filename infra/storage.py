"""Tables (one per noun), the payout files and the records that failed."""

from dataclasses import dataclass, field

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.settings import StageSettings

RECOVERY_DAYS = 35
EXPIRES = "expires_epoch_s"


@dataclass(frozen=True)
class Index:
    """A global secondary index; `keys_only` when its readers need no more."""

    name: str
    partition: str
    sort: str
    keys_only: bool = False


@dataclass(frozen=True)
class NounTable:
    """The table of one noun, and what a function must know to be granted it."""

    noun: str
    construct: dynamodb.TableV2
    index_names: tuple[str, ...] = field(default=())

    @property
    def environment_name(self) -> str:
        return f"{self.noun.upper()}_TABLE"

    @property
    def index_arns(self) -> list[str]:
        return [f"{self.construct.table_arn}/index/{name}" for name in self.index_names]

    @property
    def stream_arn(self) -> str:
        if self.construct.table_stream_arn is None:
            raise ValueError(f"The table of {self.noun} has no stream to follow.")
        return self.construct.table_stream_arn


class Storage(Construct):
    """Everything a deployment must not lose: recoverable to any second of the last 35 days,
    and kept when the stack goes, wherever the stage says so."""

    def __init__(self, scope: Construct, construct_id: str, settings: StageSettings) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        listing = Index("listing", "listing", "created_at")
        paid_to = Index("by_destination", "payout_destination", "member_id", keys_only=True)
        self.members = self._table("members", "member_id", indexes=[listing, paid_to])
        self.programs = self._table(
            "programs",
            "program_id",
            "version",
            indexes=[
                listing,
                Index("by_vendor", "vendor_id", "listed_at"),
                Index("by_room", "capped", "room", keys_only=True),
            ],
        )
        self.settings = self._table("settings", "version")
        self.links = self._table(
            "links",
            "code",
            indexes=[
                Index("by_affiliate", "affiliate_id", "link_id"),
                Index("by_vendor", "vendor_id", "link_id", keys_only=True),
            ],
            streamed=settings.edge,
        )
        self.coupons = self._table(
            "coupons",
            "vendor_id",
            "code",
            indexes=[Index("by_affiliate", "affiliate_id", "created_at")],
        )
        self.clicks = self._table("clicks", "click_id", expires=EXPIRES, streamed=True)
        self.statistics = self._table("statistics", "of", "at", expires=EXPIRES)
        self.customers = self._table("customers", "customer_key")
        self.conversions = self._table(
            "conversions",
            "conversion_id",
            "fact",
            indexes=[
                Index("by_vendor", "vendor_id", "reported_at", keys_only=True),
                Index("by_affiliate", "affiliate_id", "reported_at", keys_only=True),
                Index("unposted", "unposted", "accepted_at", keys_only=True),
                Index("awaiting", "awaiting", "confirm_at", keys_only=True),
                Index("held", "held", "held_at", keys_only=True),
            ],
            streamed=True,
        )
        self.tallies = self._table("tallies", "tally")
        self.ledger = self._table(
            "ledger",
            "account",
            "line",
            indexes=[
                Index("open", "open", "account", keys_only=True),
                Index("by_operator", "operators_word", "line"),
            ],
        )
        self.payouts = self._table(
            "payouts",
            "batch_id",
            "item",
            indexes=[Index("by_affiliate", "affiliate_id", "created_at"), listing],
            streamed=True,
        )
        of_member = Index("by_member", "member_id", "created_at", keys_only=True)
        self.keys = self._table("keys", "key_id", indexes=[listing, of_member])
        self.audit = self._table("audit", "subject", "at", indexes=[Index("by_day", "day", "at")])
        self.proposals = self._table(
            "proposals", "proposal_id", indexes=[Index("listing", "listing", "asked_at")]
        )
        self.payout_files = self._bucket("PayoutFiles", versioned=True)
        # Not versioned, so that emptying it lets its alarm go quiet.
        self.failed_records = self._bucket("FailedRecords", versioned=False)

    @property
    def report_reads(self) -> list[NounTable]:
        """What accepting a report only reads, whoever reports."""
        return [self.settings, self.programs, self.members, self.coupons, self.clicks]

    @property
    def report_writes(self) -> list[NounTable]:
        """What accepting a report writes."""
        return [self.conversions, self.customers, self.tallies]

    @property
    def tables(self) -> list[NounTable]:
        """Every table, in the order of `docs/architecture.md`."""
        return [
            self.members,
            self.programs,
            self.settings,
            self.links,
            self.coupons,
            self.clicks,
            self.statistics,
            self.customers,
            self.conversions,
            self.tallies,
            self.ledger,
            self.payouts,
            self.keys,
            self.audit,
            self.proposals,
        ]

    def _table(
        self,
        noun: str,
        partition: str,
        sort: str | None = None,
        *,
        indexes: list[Index] | None = None,
        streamed: bool = False,
        expires: str | None = None,
    ) -> NounTable:
        indexes = indexes or []
        construct = dynamodb.TableV2(
            self,
            noun.capitalize(),
            partition_key=_key(partition),
            sort_key=_key(sort) if sort else None,
            billing=dynamodb.Billing.on_demand(),
            global_secondary_indexes=[_index_props(index) for index in indexes],
            dynamo_stream=dynamodb.StreamViewType.NEW_IMAGE if streamed else None,
            time_to_live_attribute=expires,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=RECOVERY_DAYS
            ),
            deletion_protection=self._settings.retain,
            removal_policy=self._settings.removal_policy,
        )
        return NounTable(noun, construct, tuple(index.name for index in indexes))

    def _bucket(self, construct_id: str, *, versioned: bool) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            construct_id,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=self._settings.enforce_ssl,
            versioned=versioned,
            removal_policy=self._settings.removal_policy,
        )
        acknowledge(
            bucket,
            "S1",
            "Each object is written by one function and read through manage_network or by an"
            " operator, whose calls are logged; a second bucket of access logs would say no more.",
        )
        if not self._settings.enforce_ssl:
            acknowledge(bucket, "S10", "The emulator speaks plain HTTP, on the loopback only.")
        return bucket


def _key(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _index_props(index: Index) -> dynamodb.GlobalSecondaryIndexPropsV2:
    keys_only, everything = dynamodb.ProjectionType.KEYS_ONLY, dynamodb.ProjectionType.ALL
    return dynamodb.GlobalSecondaryIndexPropsV2(
        index_name=index.name,
        partition_key=_key(index.partition),
        sort_key=_key(index.sort),
        projection_type=keys_only if index.keys_only else everything,
    )
