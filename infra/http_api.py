"""ThrottledApi: an HTTP API that says no before it costs, and can write down what it answered."""

import json
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigw
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.flow_function import FlowFunction
from infra.setting_forms import Throttle
from infra.settings import StageSettings

# Of the throttle: what operators do by hand, and what is nowhere and asked for by scanners.
BY_HAND = 0.1

# No address and no path: a link's visitors are not followed through the access log.
ACCESS_LOG_FIELDS = {
    "request_id": "$context.requestId",
    "at": "$context.requestTimeEpoch",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latency_ms": "$context.responseLatency",
    "error": "$context.integrationErrorMessage",
}


class ThrottledApi(Construct):
    """An HTTP API with one `$default` stage, each route throttled by itself, with an access log if
    asked."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        settings: StageSettings,
        throttle: Throttle,
        *,
        domain_name: str | None = None,
        certificate_arn: str | None = None,
        access_log: bool = True,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._domain_name = domain_name
        self.domain = self._domain(domain_name, certificate_arn) if domain_name else None
        self.throttle = throttle
        self.refused: cloudwatch.Metric | None = None
        self._route_settings: dict[str, dict[str, int]] = {}
        self.api = apigw.HttpApi(self, "Api", create_default_stage=False)
        self._stage = stage = self.api.add_stage(
            "Stage",
            stage_name="$default",
            auto_deploy=True,
            throttle=apigw.ThrottleSettings(rate_limit=throttle.rate, burst_limit=throttle.burst),
        )
        if access_log:
            self._keep_access_log(stage)
        else:
            acknowledge(
                stage,
                "APIG1",
                "A line for each click would cost as much as a seventh of its write. A click that"
                " is stored is its own record, one that is lost is logged with its reason, and API"
                " Gateway counts all answers; links_access_log=true turns the lines on.",
            )
        if self.domain:
            apigw.ApiMapping(self, "Mapping", api=self.api, domain_name=self.domain, stage=stage)

    @property
    def url(self) -> str:
        """The base URL of the routes, without a trailing slash."""
        if self.domain:
            return f"https://{self._domain_name}"
        if self._settings.is_local:
            # {id}.execute-api.localhost does not resolve everywhere.
            gateway = f"http://127.0.0.1:{self._settings.gateway_port}"
            return f"{gateway}/_aws/execute-api/{self.api.api_id}/$default"
        return self.api.api_endpoint

    @property
    def domain_target(self) -> dict[str, str]:
        """The name to point the custom domain at, as an output; empty without one."""
        return {"LinksDomainTarget": self.domain.regional_domain_name} if self.domain else {}

    def route(self, function: FlowFunction, *routes: str, share: float = 1) -> None:
        """Send routes written like `POST /v1/conversions` to the function, each of which may be
        asked for as often as this share of the throttle."""
        integration = HttpLambdaIntegration(f"{function.name}Integration", function.function)
        for route in routes:
            method, path = route.split(" ")
            for made in self.api.add_routes(
                path=path, methods=[apigw.HttpMethod[method]], integration=integration
            ):
                acknowledge(made, "APIG4", _why_no_authorizer(path))
                self._throttle(route, made, share)

    def route_the_rest(self, function: FlowFunction) -> None:
        """Send whatever no route is for to the function, which says so in its own words."""
        route = apigw.HttpRoute(
            self,
            "Rest",
            http_api=self.api,
            route_key=apigw.HttpRouteKey.DEFAULT,
            integration=HttpLambdaIntegration(f"{function.name}Rest", function.function),
        )
        acknowledge(
            route, "APIG4", "It answers anyone, and only that there is nothing at this address."
        )
        self._throttle("$default", route, BY_HAND)

    def _throttle(self, key: str, route: apigw.HttpRoute, share: float) -> None:
        """Gives a route a bucket of its own, so that who floods it starves no other."""
        self._route_settings[key] = {
            "ThrottlingRateLimit": max(1, round(self.throttle.rate * share)),
            "ThrottlingBurstLimit": max(1, round(self.throttle.burst * share)),
        }
        resource = cast(apigw.CfnStage, self._stage.node.default_child)
        resource.route_settings = self._route_settings
        # A stage may name only routes that are there.
        resource.node.add_dependency(route)

    def _keep_access_log(self, stage: apigw.HttpStage) -> None:
        access_log = logs.LogGroup(
            self,
            "AccessLog",
            retention=self._settings.log_retention_days,
            removal_policy=self._settings.removal_policy,
        )
        # The stage's own property takes an interface that Python would have to implement.
        resource = cast(apigw.CfnStage, stage.node.default_child)
        resource.access_log_settings = apigw.CfnStage.AccessLogSettingsProperty(
            destination_arn=access_log.log_group_arn, format=json.dumps(ACCESS_LOG_FIELDS)
        )
        name = f"{self.node.id}Refused"
        access_log.add_metric_filter(
            "Refused",
            filter_pattern=logs.FilterPattern.string_value("$.status", "=", "429"),
            metric_namespace=self._settings.metrics_namespace,
            metric_name=name,
        )
        self.refused = cloudwatch.Metric(
            namespace=self._settings.metrics_namespace,
            metric_name=name,
            statistic="Sum",
            period=Duration.minutes(5),
        )

    def _domain(self, name: str, certificate_arn: str | None) -> apigw.DomainName:
        if certificate_arn is None:
            raise ValueError(f"The domain {name} needs a certificate.")
        certificate = acm.Certificate.from_certificate_arn(self, "Certificate", certificate_arn)
        return apigw.DomainName(self, "Domain", domain_name=name, certificate=certificate)


def _why_no_authorizer(path: str) -> str:
    if path.startswith("/{code}"):
        return "Anyone may follow a link; that is what links are for."
    return (
        "Every handler checks the bearer key itself, on each request: an authorizer's cached"
        " answer would let a revoked key in for minutes."
    )
