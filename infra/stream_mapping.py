"""StreamMapping: how a function follows a table without losing or blocking a record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.flow_function import FlowFunction, allow_objects
from infra.storage import NounTable

MAX_RETRIES = 5
MAX_RECORD_AGE = Duration.hours(6)


@dataclass(frozen=True)
class Batching:
    """How many records a function gets, how long it waits for them, and how many batches of one
    shard it handles at once."""

    size: int
    window_s: int
    at_once: int


# Facts are handled as they come, and in any order.
FACTS = Batching(size=25, window_s=0, at_once=5)


class StreamMapping(Construct):
    """Every default of a stream mapping is the dangerous one: a record that cannot be handled
    would block its shard for a day and then be gone. Here it is retried alone, a bounded number
    of times, well inside the 24 hours a stream remembers, and then kept whole in S3.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        function: FlowFunction,
        table: NounTable,
        *,
        pattern: Mapping[str, Any],
        failed_records: s3.Bucket,
        batching: Batching = FACTS,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = function
        _let_read(function, table)
        _let_keep_failures(function, failed_records)
        self._mapping = lambda_.CfnEventSourceMapping(
            self,
            "Mapping",
            function_name=function.function.function_name,
            event_source_arn=table.stream_arn,
            starting_position="TRIM_HORIZON",
            batch_size=batching.size,
            maximum_batching_window_in_seconds=batching.window_s,
            parallelization_factor=batching.at_once,
            function_response_types=["ReportBatchItemFailures"],
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=MAX_RETRIES,
            maximum_record_age_in_seconds=MAX_RECORD_AGE.to_seconds(),
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(
                    destination=failed_records.bucket_arn
                )
            ),
            filter_criteria=lambda_.CfnEventSourceMapping.FilterCriteriaProperty(
                filters=[
                    lambda_.CfnEventSourceMapping.FilterProperty(
                        pattern=json.dumps(pattern, separators=(",", ":"))
                    )
                ]
            ),
            # Without it Lambda does not count what it dropped or sent to the destination.
            metrics_config=lambda_.CfnEventSourceMapping.MetricsConfigProperty(
                metrics=["EventCount"]
            ),
        )
        # Lambda tries the permissions when the mapping is made.
        self._mapping.node.add_dependency(function.function)

    @property
    def mapping_id(self) -> str:
        """The UUID by which the Lambda API knows the mapping."""
        return self._mapping.attr_id

    def given_up(self) -> dict[str, cloudwatch.Metric]:
        """Counts of records that were sent to the failure destination, or dropped altogether."""
        return {
            "Failed": self._event_count("OnFailureDestinationDeliveredEventCount"),
            "Dropped": self._event_count("DroppedEventCount"),
        }

    def _event_count(self, metric_name: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name=metric_name,
            dimensions_map={"EventSourceMappingUUID": self.mapping_id},
            statistic="Sum",
            period=Duration.minutes(5),
        )


def _let_read(function: FlowFunction, table: NounTable) -> None:
    function.allow(
        ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
        [table.stream_arn],
    )
    function.allow(["dynamodb:ListStreams"], ["*"])
    acknowledge(
        function,
        "IAM5[Resource::*]",
        "Lambda asks for dynamodb:ListStreams to follow a stream, and that action, which reads"
        " names only, cannot be narrowed to a resource.",
    )


def _let_keep_failures(function: FlowFunction, failed_records: s3.Bucket) -> None:
    function.allow(["s3:ListBucket"], [failed_records.bucket_arn])
    allow_objects(function, ["s3:PutObject"], failed_records)
