"""Balances into money: plan, debit, export, settle."""

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.flow_function import FlowFunction, Size, allow_objects
from infra.http_api import ThrottledApi
from infra.layers import Layers
from infra.schedule import Tick
from infra.settings import StageSettings
from infra.storage import Storage
from infra.stream_mapping import StreamMapping

DEBIT_TIMEOUT_S = 60
MAX_RECEIVES = 5
# Pages debited at once; more would only quarrel over the same batch.
MAX_CONCURRENCY = 5


class Payouts(Construct):
    """Each page of a batch is one message; a page that cannot be debited ends in the dead-letter
    queue, where it waits for an operator instead of being forgotten."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        settings: StageSettings,
        layers: Layers,
        storage: Storage,
        api: ThrottledApi,
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = self._queue("DeadLetters", settings)
        self.work = self._queue("Work", settings, dead_letters=self.dead_letters)

        self.batch_payouts = FlowFunction(
            self,
            "batch_payouts",
            settings,
            layers,
            reads=[storage.keys, storage.settings, storage.ledger],
            writes=[storage.payouts, storage.audit],
            environment={"WORK_QUEUE_URL": self.work.queue_url},
        )
        self.batch_payouts.allow(["sqs:SendMessage"], [self.work.queue_arn])
        api.route(
            self.batch_payouts,
            "POST /v1/payout-batches",
            "POST /v1/payout-batches/{batch_id}/approval",
            "POST /v1/payout-batches/{batch_id}/cancellation",
        )
        if settings.automatic_batches:
            Tick(
                self,
                "Batch",
                self.batch_payouts,
                every=Duration.hours(1),
                payload={"source": "linkage.tick"},
            )

        self.debit_payouts = FlowFunction(
            self,
            "debit_payouts",
            settings,
            layers,
            reads=[storage.settings, storage.members],
            writes=[storage.ledger, storage.payouts],
            size=Size(timeout_s=DEBIT_TIMEOUT_S),
        )
        self._debit_from_queue()

        self.export_payouts = FlowFunction(
            self,
            "export_payouts",
            settings,
            layers,
            writes=[storage.payouts],
            size=Size(timeout_s=60),
            environment={"PAYOUT_FILES_BUCKET": storage.payout_files.bucket_name},
        )
        allow_objects(self.export_payouts, ["s3:PutObject", "s3:GetObject"], storage.payout_files)
        self.mapping = StreamMapping(
            self,
            "PayoutsStream",
            self.export_payouts,
            storage.payouts,
            # Exporting updates the payouts it exported; only an approval may wake the function.
            pattern={
                "eventName": ["INSERT", "MODIFY"],
                "dynamodb": {"NewImage": {"item": {"S": ["batch"]}, "status": {"S": ["approved"]}}},
            },
            failed_records=storage.failed_records,
        )

        self.settle_payouts = FlowFunction(
            self,
            "settle_payouts",
            settings,
            layers,
            reads=[storage.keys],
            writes=[storage.payouts, storage.ledger, storage.audit],
        )
        api.route(self.settle_payouts, "POST /v1/payout-batches/{batch_id}/results")

    def _debit_from_queue(self) -> None:
        self.debit_payouts.allow(
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            [self.work.queue_arn],
        )
        mapping = lambda_.CfnEventSourceMapping(
            self,
            "WorkMapping",
            function_name=self.debit_payouts.function.function_name,
            event_source_arn=self.work.queue_arn,
            batch_size=1,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(
                maximum_concurrency=MAX_CONCURRENCY
            ),
        )
        mapping.node.add_dependency(self.debit_payouts.function)

    def _queue(
        self,
        construct_id: str,
        settings: StageSettings,
        *,
        dead_letters: sqs.Queue | None = None,
    ) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=settings.enforce_ssl,
            retention_period=Duration.days(14),
            # Six times the function's timeout, as Lambda advises: no page is handed out twice
            # while it is being debited.
            visibility_timeout=Duration.seconds(6 * DEBIT_TIMEOUT_S),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=dead_letters, max_receive_count=MAX_RECEIVES
            )
            if dead_letters
            else None,
        )
        if not settings.enforce_ssl:
            acknowledge(queue, "SQS4", "The emulator speaks plain HTTP, on the loopback only.")
        return queue
