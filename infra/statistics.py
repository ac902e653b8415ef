"""Clicks into statistics: packed as they come, folded and billed when a day is over."""

from collections.abc import Mapping

from aws_cdk import Duration
from constructs import Construct

from infra.flow_function import Access, FlowFunction, Size
from infra.layers import Layers
from infra.schedule import Tick
from infra.settings import StageSettings
from infra.storage import Storage
from infra.stream_mapping import Batching, StreamMapping

# The more clicks a pack holds, the fewer write units each of them costs. Nobody waits for one
# but the tests, in the local stage.
BATCHING = Batching(size=1000, window_s=60, at_once=1)
LOCAL_BATCHING = Batching(size=1000, window_s=1, at_once=1)


class Statistics(Construct):
    """The stream packs clicks; the tick folds whole days, closes and bills them."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        settings: StageSettings,
        layers: Layers,
        storage: Storage,
        secrets: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self.count_clicks = FlowFunction(
            self,
            "count_clicks",
            settings,
            layers,
            writes=[storage.statistics],
            access=Access(writes=("PutItem",), reads_what_it_writes=False),
            size=Size(timeout_s=60),
        )
        self.mapping = StreamMapping(
            self,
            "ClicksStream",
            self.count_clicks,
            storage.clicks,
            # A click that expires is a record too.
            pattern={"eventName": ["INSERT"]},
            failed_records=storage.failed_records,
            batching=LOCAL_BATCHING if settings.is_local else BATCHING,
        )

        self.fold_clicks = FlowFunction(
            self,
            "fold_clicks",
            settings,
            layers,
            # What billing a day needs is what accepting a report needs.
            reads=storage.report_reads,
            writes=[storage.statistics, *storage.report_writes],
            # A whole processor, and time for one write after the other.
            size=Size(memory_mb=1769, timeout_s=900),
            environment=secrets,
        )
        self.fold = Tick(
            self,
            "Fold",
            self.fold_clicks,
            every=Duration.hours(1),
            payload={"source": "linkage.tick"},
        )
