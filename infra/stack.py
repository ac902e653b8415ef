"""The network's one stack, composed in the order in which a click flows through it."""

from pathlib import Path

from aws_cdk import Annotations, Stack
from constructs import Construct

from infra.alarms import Alarms
from infra.commissions import Commissions
from infra.dashboard import Dashboard
from infra.intake import Intake
from infra.layers import Layers
from infra.outputs import add_outputs
from infra.payouts import Payouts
from infra.settings import StageSettings
from infra.statistics import Statistics
from infra.storage import Storage


class LinkageStack(Stack):
    """`Linkage-<stage>`: composes the constructs and defines nothing itself."""

    def __init__(
        self, scope: Construct, construct_id: str, settings: StageSettings, build_dir: Path
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Linkage, a referral network ({settings.stage})",
            termination_protection=settings.retain,
        )
        if settings.retain and not settings.check_link:
            Annotations.of(self).add_warning_v2(
                "linkage:no_check_link",
                "Nobody follows a link of the network's own each hour. Make one, and set"
                " check_link to its code: docs/operating.md, First deployment.",
            )
        layers = Layers(self, "Layers", settings, build_dir)
        self.storage = storage = Storage(self, "Storage", settings)
        self.intake = intake = Intake(self, "Intake", settings, layers, storage)
        secrets = {"HASH_SECRET": intake.hash_secret, "ID_SECRET": intake.id_secret}
        statistics = Statistics(self, "Statistics", settings, layers, storage, secrets)
        commissions = Commissions(self, "Commissions", settings, layers, storage)
        payouts = Payouts(self, "Payouts", settings, layers, storage, intake.api)
        functions = [
            intake.record_click,
            statistics.count_clicks,
            statistics.fold_clicks,
            intake.record_conversion,
            intake.record_customer,
            intake.decide_proposals,
            intake.confirm_conversions,
            commissions.compute_commissions,
            commissions.sweep_conversions,
            payouts.batch_payouts,
            payouts.hold_payouts,
            payouts.debit_payouts,
            payouts.export_payouts,
            payouts.settle_payouts,
            intake.manage_network,
            intake.check_links,
        ]

        alarms = Alarms(self, "Alarms", settings)
        alarms.watch_stream(statistics.mapping)
        alarms.watch_stream(commissions.mapping)
        alarms.watch_stream(payouts.mapping)
        alarms.watch_failed_records(storage.failed_records)
        alarms.watch_dead_letters(payouts.dead_letters)
        if settings.automatic_batches:
            alarms.watch_batches(payouts.batch_payouts)
        alarms.watch_posting(commissions.sweep_conversions)
        alarms.watch_introductions(commissions.compute_commissions)
        alarms.watch_silence(intake.confirm_conversions)
        alarms.watch_holds()
        alarms.watch_ledger()
        alarms.watch_files(payouts.batch_payouts)
        alarms.watch_clicks(intake.record_click)
        alarms.watch_consent(intake.record_customer)
        alarms.watch_statistics(statistics.count_clicks, statistics.fold_clicks)
        alarms.watch_api(intake.links_api)
        alarms.watch_api(intake.api)
        alarms.watch_own_link(intake.check_links)
        for tick in (commissions.sweep, statistics.fold, *intake.ticks, *payouts.ticks):
            alarms.watch_tick(tick)
        alarms.watch_cost()
        alarms.notify()
        dashboard = Dashboard(
            self,
            "Dashboard",
            alarms=alarms.all(),
            functions=functions,
            sweeper=commissions.sweep_conversions,
            folder=statistics.fold_clicks,
            queues=[payouts.work, payouts.dead_letters],
        )

        add_outputs(
            self,
            {
                "ApiUrl": intake.api.url,
                "LinksUrl": intake.links_api.url,
                **intake.links_api.domain_target,
                **{
                    f"{t.noun.capitalize()}TableName": t.construct.table_name
                    for t in storage.tables
                },
                **{f"{f.node.id}FunctionName": f.function.function_name for f in functions},
                "PayoutFilesBucketName": storage.payout_files.bucket_name,
                "FailedRecordsBucketName": storage.failed_records.bucket_name,
                "WorkQueueUrl": payouts.work.queue_url,
                "DeadLetterQueueUrl": payouts.dead_letters.queue_url,
                "ComputeCommissionsMappingId": commissions.mapping.mapping_id,
                "DashboardUrl": dashboard.url,
            },
        )
