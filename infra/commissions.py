"""Facts into the ledger: at once through the stream, and in the end through the sweeper."""

from aws_cdk import Duration
from constructs import Construct

from infra.flow_function import FlowFunction, Size
from infra.layers import Layers
from infra.schedule import Tick
from infra.settings import StageSettings
from infra.storage import Storage
from infra.stream_mapping import StreamMapping


class Commissions(Construct):
    """The stream is the fast path; the sweeper is the guarantee."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        settings: StageSettings,
        layers: Layers,
        storage: Storage,
    ) -> None:
        super().__init__(scope, construct_id)
        reads = [storage.settings, storage.programs]
        # A withdrawal is accepted where its cause is posted, and moves tallies as it is.
        writes = [storage.ledger, storage.conversions, storage.tallies]
        size = Size(timeout_s=60)

        self.compute_commissions = FlowFunction(
            self, "compute_commissions", settings, layers, reads=reads, writes=writes, size=size
        )
        self.mapping = StreamMapping(
            self,
            "ConversionsStream",
            self.compute_commissions,
            storage.conversions,
            # Posting updates the fact it posted; only its arrival may wake the function.
            pattern={
                "eventName": ["INSERT"],
                "dynamodb": {"NewImage": {"unposted": {"S": [{"exists": True}]}}},
            },
            failed_records=storage.failed_records,
        )

        self.sweep_conversions = FlowFunction(
            self, "sweep_conversions", settings, layers, reads=reads, writes=writes, size=size
        )
        self.sweep = Tick(
            self,
            "Sweep",
            self.sweep_conversions,
            every=Duration.minutes(settings.sweep_minutes),
            payload={"source": "linkage.tick"},
        )
