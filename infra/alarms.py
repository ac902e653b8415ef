"""What wakes an operator, and the one page that shows the network."""

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.flow_function import FlowFunction
from infra.http_api import ThrottledApi
from infra.schedule import Tick
from infra.settings import StageSettings
from infra.stream_mapping import StreamMapping

STREAM_AGE = Duration.minutes(5)
UNPOSTED_AGE = Duration.minutes(15)
AWAITING_AGE = Duration.hours(2)
THREE_HOURS = Duration.hours(3)
UNSETTLED_AGE = Duration.days(14)
OPEN_DAY_AGE = Duration.days(3)
FIVE_MINUTES = Duration.minutes(5)

FLOOD, FLOOD_OF_ERRORS = 0.5, 0.05
"""Shares of what one route lets through at most."""

BUDGET_NOTICES = (("ACTUAL", 50), ("ACTUAL", 100), ("FORECASTED", 100))
"""Per cent of the month's budget, spent or expected."""


class Alarms(Construct):
    """Alarms that no single function can raise; `notify` then tells someone about all of them.
    Each watches one plain metric: the local emulator knows no metric mathematics.

    The failure destination is watched twice, since S3 does not report at once what it holds: the
    mapping's own count rings within minutes of a record being given up, and the bucket's daily
    object count keeps ringing until an operator has emptied it.
    """

    def __init__(self, scope: Construct, construct_id: str, settings: StageSettings) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings

    def watch_stream(self, mapping: StreamMapping) -> None:
        """Ring when the function lags behind its table, or has given a record up."""
        name = mapping.function.name
        self._alarm(
            f"{mapping.node.id}Age",
            mapping.function.function.metric(
                "IteratorAge", statistic="Maximum", period=FIVE_MINUTES
            ),
            f"{name} is more than five minutes behind its stream.",
            threshold=STREAM_AGE.to_milliseconds(),
        )
        for what, metric in mapping.given_up().items():
            self._alarm(
                f"{mapping.node.id}{what}",
                metric,
                f"{name} gave a record up ({what.lower()}); see the bucket of failed records.",
            )

    def watch_failed_records(self, bucket: s3.Bucket) -> None:
        """Ring while the bucket holds anything (S3 counts once a day)."""
        self._alarm(
            "FailedRecordsNotEmpty",
            cloudwatch.Metric(
                namespace="AWS/S3",
                metric_name="NumberOfObjects",
                dimensions_map={
                    "BucketName": bucket.bucket_name,
                    "StorageType": "AllStorageTypes",
                },
                statistic="Maximum",
                period=Duration.days(1),
            ),
            "The bucket of failed records is not empty: see what failed, then delete it there.",
            # The count of a day is reported the day after, or the one after that.
            periods=3,
        )

    def watch_dead_letters(self, queue: sqs.Queue) -> None:
        """Ring while a payout page waits for an operator."""
        self._alarm(
            "DeadLettersNotEmpty",
            queue.metric_approximate_number_of_messages_visible(
                statistic="Maximum", period=FIVE_MINUTES
            ),
            "A page of a payout batch could not be debited; after the cause is mended, redrive"
            " the dead-letter queue.",
        )

    def watch_posting(self, sweeper: FlowFunction) -> None:
        """Ring when an accepted fact is not posted in time, or the sweeper has stopped saying."""
        self._alarm(
            "UnpostedTooLong",
            # Long enough for three sweeps, so that one late sweep is not taken for a dead one.
            sweeper.metric("OldestUnpostedAge", period=UNPOSTED_AGE),
            "An accepted fact is not in the ledger after fifteen minutes, or the sweeper does not"
            " run.",
            threshold=UNPOSTED_AGE.to_seconds(),
            # A sweeper that says nothing is the very failure this alarm is for.
            missing=cloudwatch.TreatMissingData.BREACHING,
        )

    def watch_introductions(self, poster: FlowFunction) -> None:
        """Ring when an affiliate has brought a vendor more new contacts in a day than may bind."""
        self._alarm(
            "BindingsBeyondBound",
            poster.metric("BindingsBeyondBound"),
            "An affiliate introduced more new contacts at one vendor in a day than the network"
            " lets it bind: see whether they are customers.",
        )

    def watch_silence(self, confirmer: FlowFunction) -> None:
        """Ring when silence should have confirmed a conversion long ago, or nothing looks at it."""
        self._alarm(
            "ConfirmationLate",
            # Long enough for two hourly ticks, so that one late tick is not taken for a dead one.
            confirmer.metric("OldestAwaitingAge", period=THREE_HOURS),
            "A conversion that its vendor's silence should confirm still waits after two hours, or"
            " confirm_conversions does not run.",
            threshold=AWAITING_AGE.to_seconds(),
            missing=cloudwatch.TreatMissingData.BREACHING,
        )

    def watch_batches(self, planner: FlowFunction) -> None:
        """Ring when a batch stays where it is, a bank is silent, or the schedule was not kept."""
        self._alarm(
            "BatchNotPlanned",
            # Long enough for two hourly ticks, so that one late tick is not taken for a dead one.
            planner.metric("OldestPlanningAge", period=THREE_HOURS),
            "A payout batch is still `planning` after three hours, or batch_payouts does not run.",
            threshold=THREE_HOURS.to_seconds(),
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._alarm(
            "BatchNotExported",
            planner.metric("OldestApprovedAge", period=THREE_HOURS),
            "A payout batch was approved and has no payout file after three hours.",
            threshold=THREE_HOURS.to_seconds(),
        )
        self._alarm(
            "PayoutWithoutResult",
            planner.metric("OldestUnsettledAge", period=THREE_HOURS),
            "A payout file was written more than fourteen days ago and the bank's results of it"
            " are not all given.",
            threshold=UNSETTLED_AGE.to_seconds(),
        )
        self._alarm(
            "BatchMissed",
            planner.metric("BatchMissed", period=THREE_HOURS),
            "A scheduled payout batch was not made in three days: make it by hand.",
        )

    def watch_holds(self) -> None:
        """Ring when a vendor's confirmation was held, whichever function received it."""
        self._alarm(
            "ConversionHeld",
            cloudwatch.Metric(
                namespace=self._settings.metrics_namespace,
                metric_name="ConversionHeld",
                dimensions_map={"service": "conversions"},
                statistic="Sum",
                period=FIVE_MINUTES,
            ),
            "A suspended vendor's confirmation, or one beyond its vendor's limit, is held until an"
            " operator releases it.",
        )

    def watch_ledger(self) -> None:
        """Ring from the `linkage ledger check` that finds the ledger out of balance to the one
        that finds it mended."""
        self._alarm(
            "LedgerOutOfBalance",
            cloudwatch.Metric(
                namespace=self._settings.metrics_namespace,
                metric_name="LedgerOutOfBalance",
                dimensions_map={"service": "ledger_check"},
                statistic="Maximum",
                period=FIVE_MINUTES,
            ),
            "`linkage ledger check` found the ledger out of balance: cancel open payout batches"
            " until it is explained.",
            # Checks are hours apart; no news in between is not good news.
            missing=cloudwatch.TreatMissingData.IGNORE,
        )

    def watch_files(self, planner: FlowFunction) -> None:
        """Ring while a payout file in the bucket has no batch in the table, tick after tick."""
        self._alarm(
            "PayoutFileWithoutBatch",
            # Long enough for two hourly ticks, of which each says so.
            planner.metric("PayoutFileWithoutBatch", period=THREE_HOURS),
            "A payout file is in the bucket and its batch is not exported: the tables were restored"
            " to before it. Nothing is planned until `linkage payouts rebook` has booked it again.",
        )

    def watch_clicks(self, redirect: FlowFunction) -> None:
        """Ring when a visitor was sent on, or away, without what DynamoDB should have stored."""
        for metric_name, description in {
            "ClickLost": "A click was not stored; its log line holds it whole.",
            "LinkReadFailed": "A link could not be read, and its visitor was asked to come back.",
        }.items():
            self._alarm(metric_name, redirect.metric(metric_name), description)

    def watch_consent(self, recorder: FlowFunction) -> None:
        """Ring when a vendor opts more customers out, or in again, than a vendor does of a day."""
        for metric_name, description in {
            "OptOutsBeyondBound": "A vendor opted more than twenty customers out in a day, or any"
            " while it is not approved: those hold at that vendor alone until an operator opts them"
            " out too.",
            "OptInsRefused": "A vendor was refused to opt more than twenty customers in again in a"
            " day.",
        }.items():
            self._alarm(metric_name, recorder.metric(metric_name), description)

    def watch_statistics(self, counter: FlowFunction, folder: FlowFunction) -> None:
        """Ring when a click cannot be counted, a day cannot be closed, or one link's not billed."""
        self._alarm(
            "ClickNotCounted",
            counter.metric("ClickNotCounted"),
            "What came as a click is none and was not counted; its log line says why.",
        )
        self._alarm(
            "DayNotClosed",
            # Long enough for two hourly ticks, so that one late tick is not taken for a dead one.
            folder.metric("OldestOpenDayAge", period=THREE_HOURS),
            "A day that was over three days ago has no final click statistics yet and is not"
            " billed, or fold_clicks does not run.",
            threshold=OPEN_DAY_AGE.to_seconds(),
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        self._alarm(
            "LinkDayNotBilled",
            folder.metric("LinkDayNotBilled"),
            "Clicks or impressions of a link were not billed to its vendor; the log line of"
            " fold_clicks says why.",
        )

    def watch_edge(self, publisher: FlowFunction, counter: FlowFunction) -> None:
        """Ring when the edge's store takes no more links, or a line of its log is no request."""
        self._alarm(
            "EdgeStoreFull",
            publisher.metric("EdgeStoreFull"),
            "The edge's store is full: links made or changed since are answered by the links API.",
        )
        self._alarm(
            "EdgeLogStrange",
            counter.metric("EdgeLogStrange"),
            "The edge's log is not what count_edge_clicks knows; clicks in it are not counted.",
        )

    def watch_api(self, api: ThrottledApi) -> None:
        """Ring when an API answers with errors of its own, or somebody floods it."""
        name, most = api.node.id, api.throttle.rate * FIVE_MINUTES.to_seconds()
        of_five_minutes: dict[str, Any] = {"statistic": "Sum", "period": FIVE_MINUTES}
        self._alarm(
            f"{name}ServerErrors",
            api.api.metric_server_error(**of_five_minutes),
            f"{name} answered with a 5xx status.",
        )
        self._alarm(
            f"{name}Requests",
            api.api.metric_count(**of_five_minutes),
            f"{name} is asked half as often as one of its routes may be at most: a flood, or a"
            " throttle that has become too small.",
            threshold=most * FLOOD,
        )
        self._alarm(
            f"{name}ClientErrors",
            api.api.metric_client_error(**of_five_minutes),
            f"{name} refuses a great many requests: somebody tries keys or links, or a client does"
            " not stop asking what is wrong.",
            threshold=most * FLOOD_OF_ERRORS,
        )
        if api.refused:
            self._alarm(
                f"{name}Refused",
                api.refused,
                f"{name} answered 429: a route was asked more often than it may be.",
            )

    def watch_tick(self, tick: Tick) -> None:
        """Ring when nothing has woken a function for three of its ticks, whatever the reason."""
        function = tick.function
        self._alarm(
            f"{function.node.id}Silent",
            function.function.metric_invocations(
                statistic="Sum",
                period=Duration.minutes(max(15, 3 * int(tick.every.to_minutes()))),
            ),
            f"Nothing has woken {function.name} for three of its ticks.",
            threshold=1,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            # A function that never runs says nothing at all.
            missing=cloudwatch.TreatMissingData.BREACHING,
        )

    def watch_own_link(self, checker: FlowFunction) -> None:
        """Ring when a link of the network's own did not lead where it should."""
        self._alarm(
            "OwnLinkNotFollowed",
            checker.metric("OwnLinkNotFollowed"),
            "A link of the network's own was followed as a visitor would, and did not redirect.",
        )

    def watch_cost(self) -> None:
        """Write to the stage's e-mail address when the account's month costs more than it may.

        A budget, because CloudWatch has the bill in one region only, and only where somebody has
        switched that on by hand.
        """
        limit_usd, email = self._settings.monthly_budget_usd, self._settings.alarm_email
        if limit_usd is None or email is None:
            return
        subscriber = budgets.CfnBudget.SubscriberProperty(address=email, subscription_type="EMAIL")
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=f"Linkage-{self._settings.stage}",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=limit_usd, unit="USD"),
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for kind, percent in BUDGET_NOTICES
            ],
        )

    def notify(self) -> None:
        """Send every alarm of the stack to the stage's e-mail address, if it has one."""
        if self._settings.alarm_email is None:
            return
        topic = sns.Topic(self, "Topic", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(self._settings.alarm_email))
        topic.grant_publish(iam.ServicePrincipal("cloudwatch.amazonaws.com"))
        for alarm in self.all():
            alarm.add_alarm_action(actions.SnsAction(topic))
            alarm.add_ok_action(actions.SnsAction(topic))

    def all(self) -> list[cloudwatch.Alarm]:
        """Every alarm of the stack, those of the functions included."""
        found = Stack.of(self).node.find_all()
        return [construct for construct in found if isinstance(construct, cloudwatch.Alarm)]

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        description: str,
        *,
        threshold: float = 0,
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
        comparison: cloudwatch.ComparisonOperator = (
            cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
        ),
    ) -> None:
        cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            datapoints_to_alarm=1,
            comparison_operator=comparison,
            treat_missing_data=missing,
            alarm_description=description,
        )
