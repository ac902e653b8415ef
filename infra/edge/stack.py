"""The optional stack of the edge: redirects near the visitor, from published links."""

from pathlib import Path

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.alarms import Alarms
from infra.edge.distribution import EdgeDistribution
from infra.flow_function import Access, FlowFunction, Size, allow_objects
from infra.intake import HOSTS_OF_A_MEMBER
from infra.layers import Layers
from infra.outputs import add_outputs
from infra.settings import StageSettings
from infra.stack import LinkageStack
from infra.stream_mapping import Batching, StreamMapping

# Several changes become one write to the store, which has one version for all of them.
CHANGES = Batching(size=25, window_s=1, at_once=1)


class EdgeStack(Stack):
    """`Linkage-<stage>-edge`: the distribution, what publishes links to it, what counts its log."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        settings: StageSettings,
        build_dir: Path,
        network: LinkageStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Linkage: redirects at the edge ({settings.stage})",
            termination_protection=settings.retain,
        )
        # Layers of its own: one that another stack imports could never be replaced.
        layers = Layers(self, "Layers", settings, build_dir, names=("vendor", "core", "edge"))
        edge = EdgeDistribution(self, "Edge", settings, network.intake.links_api)
        publish_links = self._publish_links(settings, layers, edge, network)
        mapping = StreamMapping(
            self,
            "LinksStream",
            publish_links,
            network.storage.links,
            pattern={"eventName": ["INSERT", "MODIFY"]},
            failed_records=network.storage.failed_records,
            batching=CHANGES,
        )
        count_edge_clicks = self._count_edge_clicks(settings, layers, edge, network)

        alarms = Alarms(self, "Alarms", settings)
        alarms.watch_stream(mapping)
        alarms.watch_edge(publish_links, count_edge_clicks)
        alarms.notify()

        add_outputs(
            self,
            {
                "EdgeDomainName": edge.distribution.distribution_domain_name,
                "EdgeStoreArn": edge.store.key_value_store_arn,
                "EdgeLogsBucketName": edge.logs.bucket_name,
                "PublishLinksFunctionName": publish_links.function.function_name,
                "CountEdgeClicksFunctionName": count_edge_clicks.function.function_name,
            },
        )

    def _publish_links(
        self,
        settings: StageSettings,
        layers: Layers,
        edge: EdgeDistribution,
        network: LinkageStack,
    ) -> FlowFunction:
        links = network.storage.links
        function = FlowFunction(
            self,
            "publish_links",
            settings,
            layers,
            reads=[links],
            access=Access(scans=(links.noun,)),
            layer_names=("vendor", "core", "edge"),
            size=Size(timeout_s=60),
            environment={
                "EDGE_STORE_ARN": edge.store.key_value_store_arn,
                "CLICK_TOKEN_KEYS": network.intake.click_token_keys,
            },
        )
        function.allow_attributes("BatchGetItem", network.storage.members, *HOSTS_OF_A_MEMBER)
        # How far it has followed a change of hosts, which lies beside the links.
        function.allow(
            ["dynamodb:UpdateItem"],
            [links.construct.table_arn],
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["hosts#*"]}},
        )
        function.allow(
            [
                f"cloudfront-keyvaluestore:{action}"
                for action in ("DescribeKeyValueStore", "GetKey", "UpdateKeys")
            ],
            [edge.store.key_value_store_arn],
        )
        return function

    def _count_edge_clicks(
        self,
        settings: StageSettings,
        layers: Layers,
        edge: EdgeDistribution,
        network: LinkageStack,
    ) -> FlowFunction:
        function = FlowFunction(
            self,
            "count_edge_clicks",
            settings,
            layers,
            reads=[network.storage.links],
            writes=[network.storage.statistics],
            access=Access(writes=("PutItem",), reads_what_it_writes=False),
            size=Size(memory_mb=1024, timeout_s=300),
            environment={"HASH_SECRET": network.intake.hash_secret},
        )
        allow_objects(function, ["s3:GetObject"], edge.logs)
        function.function.configure_async_invoke(retry_attempts=2, max_event_age=Duration.hours(6))
        events.Rule(
            self,
            "LogDelivered",
            description="Linkage: wakes count_edge_clicks",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [edge.logs.bucket_name]}},
            ),
            targets=[targets.LambdaFunction(function.function)],
        )
        return function
