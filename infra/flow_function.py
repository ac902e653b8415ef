"""FlowFunction: a Lambda whose declaration is its data flow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.layers import ARCHITECTURE, RUNTIME, Layers
from infra.settings import StageSettings
from infra.storage import NounTable


@dataclass(frozen=True)
class Access:
    """The DynamoDB actions that "reads" and "writes" stand for.

    A transaction asks for the permissions of the actions inside it. BatchWriteItem is left out
    on purpose: it also deletes, and nothing here deletes an item.
    """

    reads: tuple[str, ...] = ("GetItem", "BatchGetItem", "Query", "ConditionCheckItem")
    writes: tuple[str, ...] = ("PutItem", "UpdateItem")
    # Whoever writes an item may first look at it.
    reads_what_it_writes: bool = True
    # Nouns whose whole table may be walked, for the bounded listings of operators.
    scans: tuple[str, ...] = ()


# The redirect looks one link up and puts one click. Beside that it reads the hosts of a vendor.
REDIRECT_ACCESS = Access(reads=("GetItem",), writes=("PutItem",), reads_what_it_writes=False)


@dataclass(frozen=True)
class Size:
    """What one invocation gets; more memory is also more processor."""

    memory_mb: int = 512
    timeout_s: int = 20


class FlowFunction(Construct):
    """The function in `functions/<name>/handler.py`; grants, environment, log group, layers and
    alarms follow from the name and from what it reads and writes."""

    def __init__(  # noqa: PLR0913
        self,
        scope: Construct,
        name: str,
        settings: StageSettings,
        layers: Layers,
        *,
        reads: Sequence[NounTable] = (),
        writes: Sequence[NounTable] = (),
        access: Access | None = None,
        layer_names: tuple[str, ...] = ("vendor", "core"),
        size: Size | None = None,
        environment: Mapping[str, str] | None = None,
        system_log: lambda_.SystemLogLevel = lambda_.SystemLogLevel.INFO,
    ) -> None:
        super().__init__(scope, pascal_case(name))
        size = size or Size()
        self.name = name
        self._metrics_namespace = settings.metrics_namespace
        self.timeout = Duration.seconds(size.timeout_s)
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=settings.log_retention_days,
            removal_policy=settings.removal_policy,
        )
        # A role of its own: the managed basic policy would let it write every log group.
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        tables = list({table.noun: table for table in [*reads, *writes]}.values())
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Linkage: {name}",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            code=layers.code(name),
            handler="handler.handler",
            layers=layers.versions(layer_names),
            role=role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            system_log_level_v2=system_log,
            memory_size=size.memory_mb,
            timeout=self.timeout,
            environment={
                "STAGE": settings.stage,
                "POWERTOOLS_SERVICE_NAME": name,
                "POWERTOOLS_METRICS_NAMESPACE": settings.metrics_namespace,
                **{table.environment_name: table.construct.table_name for table in tables},
                **(environment or {}),
            },
        )
        self._grant(tables, {table.noun for table in writes}, access or Access())
        self._add_alarms()
        acknowledge(
            self.function,
            "L1",
            "Python 3.13 is supported on Lambda until 2029; the code, its locked dependencies and"
            " the local run all target it, and they move to the next version together.",
        )

    def allow(
        self,
        actions: Sequence[str],
        resources: Sequence[str],
        conditions: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        """Permit the actions on exactly these resources, under conditions of IAM."""
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=list(actions), resources=list(resources), conditions=conditions
            )
        )

    def allow_attributes(self, action: str, table: NounTable, *names: str) -> None:
        """Permit to read these attributes of a table's items, and nothing else of them."""
        conditions: dict[str, dict[str, object]] = {
            "ForAllValues:StringEquals": {"dynamodb:Attributes": list(names)},
            # Who names no attributes asks for all of them.
            "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
        }
        self.allow(_dynamodb([action]), [table.construct.table_arn], conditions)
        self.function.add_environment(table.environment_name, table.construct.table_name)

    def tick(self) -> None:
        """Let schedules wake the function: a tick that fails is not repeated, since the next
        tick does the work that is left."""
        self.function.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(5))

    def metric(self, metric_name: str, period: Duration | None = None) -> cloudwatch.Metric:
        """The highest value of a metric that the function itself emits."""
        return cloudwatch.Metric(
            namespace=self._metrics_namespace,
            metric_name=metric_name,
            dimensions_map={"service": self.name},
            statistic="Maximum",
            period=period or Duration.minutes(5),
        )

    def _grant(self, tables: Sequence[NounTable], written: set[str], access: Access) -> None:
        for table in tables:
            writes = table.noun in written
            reads = not writes or access.reads_what_it_writes
            actions = (access.reads if reads else ()) + (access.writes if writes else ())
            if table.noun in access.scans:
                actions += ("Scan",)
            self.allow(_dynamodb(actions), [table.construct.table_arn])
            if "Query" in actions and table.index_arns:
                self.allow(_dynamodb(("Query",)), table.index_arns)

    def _add_alarms(self) -> None:
        for name, metric, meaning in (
            ("Errors", self.function.metric_errors, "failed"),
            ("Throttles", self.function.metric_throttles, "was refused a place to run"),
        ):
            cloudwatch.Alarm(
                self,
                f"{name}Alarm",
                metric=metric(statistic="Sum", period=Duration.minutes(5)),
                threshold=0,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                evaluation_periods=1,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
                alarm_description=f"{self.name} {meaning}; its log group says why.",
            )


def allow_objects(function: FlowFunction, actions: Sequence[str], bucket: s3.Bucket) -> None:
    """Permit the actions on the objects of one bucket."""
    function.allow(actions, [bucket.arn_for_objects("*")])
    acknowledge(
        function,
        f"IAM5[Resource::{_arn_in_findings(bucket, Stack.of(function))}/*]",
        "The names of objects are not known beforehand; the bucket holds nothing else.",
    )


def _arn_in_findings(bucket: s3.Bucket, seen_from: Stack) -> str:
    """How a finding writes the bucket's ARN: that of another stack is an import."""
    home = Stack.of(bucket)
    if home is seen_from:
        resource = cast(s3.CfnBucket, bucket.node.default_child)
        return f"<{home.get_logical_id(resource)}.Arn>"
    imported = seen_from.resolve(home.export_value(bucket.bucket_arn))
    return str(imported["Fn::ImportValue"])


def pascal_case(name: str) -> str:
    """`record_click` as `RecordClick`."""
    return "".join(word.capitalize() for word in name.split("_"))


def _dynamodb(actions: Sequence[str]) -> list[str]:
    return [f"dynamodb:{action}" for action in actions]
