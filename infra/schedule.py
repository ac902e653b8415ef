"""Tick: EventBridge Scheduler waking one function, again and again."""

import json
from collections.abc import Mapping

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.flow_function import FlowFunction


class Tick(Construct):
    """Wakes a function every so many minutes with a constant payload.

    A tick may come twice, late or never: the function decides by what is stored, and a tick older
    than the interval is dropped, since the next one does its work (the default is to try 185
    times over a day).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        function: FlowFunction,
        *,
        every: Duration,
        payload: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self.function, self.every = function, every
        function.tick()
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["lambda:InvokeFunction"], resources=[function.function.function_arn]
            )
        )
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            description=f"Linkage: wakes {function.name}",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            schedule_expression=scheduler.ScheduleExpression.rate(every).expression_string,
            schedule_expression_timezone=TimeZone.ETC_UTC.timezone_name,
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function.function_arn,
                role_arn=role.role_arn,
                input=json.dumps(dict(payload)),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=every.to_seconds(), maximum_retry_attempts=2
                ),
            ),
        )
        schedule.node.add_dependency(role)
