"""The edge itself: a distribution whose function redirects, with the links API behind it."""

from pathlib import Path
from typing import cast

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.http_api import ThrottledApi
from infra.settings import StageSettings

LOG_KEEP = Duration.days(7)
LOG_PREFIX = "clicks/"
REDIRECT = Path(__file__).with_name("redirect.js")

# All that the links API reads of a request; CloudFront takes ten at most. A policy of all headers
# would either send the Host header, while the API answers to its own name only, or leave out those
# that CloudFront adds.
READ_HEADERS = ("user-agent", "sec-gpc", "dnt", "sec-purpose", "purpose", "x-purpose", "x-moz")


class EdgeDistribution(Construct):
    """CloudFront in front of the links API: nothing is cached, and what the function does not
    answer goes on to the API as it came."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        settings: StageSettings,
        links_api: ThrottledApi,
    ) -> None:
        super().__init__(scope, construct_id)
        self.store = cloudfront.KeyValueStore(
            self, "Store", comment=f"Linkage: the published links ({settings.stage})"
        )
        self.logs = self._log_bucket(settings)
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"Linkage: links ({settings.stage})",
            default_behavior=self._behavior(settings, links_api),
            domain_names=[settings.links_domain] if settings.links_domain else None,
            certificate=self._certificate(settings),
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            log_bucket=self.logs,
            log_file_prefix=LOG_PREFIX,
            log_includes_cookies=False,
        )
        _acknowledge_distribution(self.distribution)

    def _behavior(
        self, settings: StageSettings, links_api: ThrottledApi
    ) -> cloudfront.BehaviorOptions:
        redirect = cloudfront.Function(
            self,
            "Redirect",
            comment="Linkage: redirects a plain visit of a published link",
            code=cloudfront.FunctionCode.from_file(file_path=str(REDIRECT)),
            runtime=cloudfront.FunctionRuntime.JS_2_0,
            key_value_store=self.store,
        )
        region = Stack.of(self).region
        return cloudfront.BehaviorOptions(
            origin=origins.HttpOrigin(
                f"{links_api.api.api_id}.execute-api.{region}.{Aws.URL_SUFFIX}",
                protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
                origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
            ),
            allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            origin_request_policy=self._origin_request_policy(settings),
            response_headers_policy=self._safe_headers(),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            function_associations=[
                cloudfront.FunctionAssociation(
                    function=redirect, event_type=cloudfront.FunctionEventType.VIEWER_REQUEST
                )
            ],
        )

    def _origin_request_policy(self, settings: StageSettings) -> cloudfront.OriginRequestPolicy:
        added = (settings.viewer_address_header, settings.country_header)
        return cloudfront.OriginRequestPolicy(
            self,
            "LinksApiPolicy",
            comment="Linkage: what the links API reads of a request",
            header_behavior=cloudfront.OriginRequestHeaderBehavior.allow_list(
                *READ_HEADERS, *(header.lower() for header in added if header)
            ),
            query_string_behavior=cloudfront.OriginRequestQueryStringBehavior.all(),
            cookie_behavior=cloudfront.OriginRequestCookieBehavior.none(),
        )

    def _safe_headers(self) -> cloudfront.ResponseHeadersPolicy:
        """For what neither the function nor the links API answers: CloudFront's own errors."""
        return cloudfront.ResponseHeadersPolicy(
            self,
            "SafeHeaders",
            comment="Linkage: headers of every answer",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=Duration.days(365),
                    include_subdomains=False,
                    override=True,
                ),
            ),
        )

    def _certificate(self, settings: StageSettings) -> acm.ICertificate | None:
        if settings.edge_certificate_arn is None:
            return None
        return acm.Certificate.from_certificate_arn(
            self, "Certificate", settings.edge_certificate_arn
        )

    def _log_bucket(self, settings: StageSettings) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Logs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=settings.enforce_ssl,
            # CloudFront's legacy logs come with an access control list.
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,
            # Lines hold addresses of visitors: whatever the stage keeps, they go.
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=LOG_KEEP, abort_incomplete_multipart_upload_after=Duration.days(1)
                )
            ],
            removal_policy=RemovalPolicy.DESTROY,
        )
        resource = cast(s3.CfnBucket, bucket.node.default_child)
        # The bucket's own method would deploy a function that may change any bucket.
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )
        acknowledge(
            bucket,
            "S1",
            "It holds logs, for seven days, which one function reads; a second bucket of logs about"
            " reading them would keep addresses longer.",
        )
        return bucket


def _acknowledge_distribution(distribution: cloudfront.Distribution) -> None:
    reasons = {
        "CFR1": "A network's visitors come from wherever its affiliates have friends; no country is"
        " shut out.",
        "CFR2": "A firewall costs more for each request than the whole redirect; the function"
        " answers without touching an origin, and the API behind it is throttled.",
        "CFR4": "Without a domain of its own the distribution has CloudFront's certificate, whose"
        " lowest protocol cannot be chosen; with links_domain it is TLS 1.2.",
    }
    for rule, reason in reasons.items():
        acknowledge(distribution, rule, reason)
