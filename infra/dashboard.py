"""The page an operator opens first."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.flow_function import FlowFunction

HALF, FULL = 12, 24


class Dashboard(Construct):
    """Alarms first, then the flow from left to right: invocations, errors, delays, queues."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alarms: Sequence[cloudwatch.Alarm],
        functions: Sequence[FlowFunction],
        sweeper: FlowFunction,
        folder: FlowFunction,
        queues: Sequence[sqs.Queue],
    ) -> None:
        super().__init__(scope, construct_id)
        lambdas = [function.function for function in functions]
        self._dashboard = cloudwatch.Dashboard(self, "Network")
        self._dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=FULL)
        )
        self._dashboard.add_widgets(
            _graph("Invocations", [one.metric_invocations() for one in lambdas]),
            _graph("Errors", [one.metric_errors() for one in lambdas]),
        )
        self._dashboard.add_widgets(
            _graph("Duration (p99)", [one.metric_duration(statistic="p99") for one in lambdas]),
            _graph("Oldest unposted fact (s)", [sweeper.metric("OldestUnpostedAge")]),
        )
        self._dashboard.add_widgets(
            _graph(
                "Payout pages waiting, and dead",
                [q.metric_approximate_number_of_messages_visible() for q in queues],
            ),
            _graph("Oldest day without final counts (s)", [folder.metric("OldestOpenDayAge")]),
        )

    @property
    def url(self) -> str:
        region = Stack.of(self).region
        return (
            f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
            f"#dashboards/dashboard/{self._dashboard.dashboard_name}"
        )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title, left=list(metrics), width=HALF, period=Duration.minutes(5)
    )
