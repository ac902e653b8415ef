"""What comes in: clicks on the links API; conversions and all administration on the other."""

from aws_cdk import Duration, SecretValue
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledgements import acknowledge
from infra.flow_function import (
    REDIRECT_ACCESS,
    Access,
    FlowFunction,
    Size,
    allow_objects,
)
from infra.http_api import BY_HAND, ThrottledApi
from infra.layers import Layers
from infra.schedule import Tick
from infra.settings import StageSettings
from infra.storage import Storage

HOSTS_OF_A_MEMBER = ("member_id", "hosts")
"""What tells where a vendor's links may lead, and all that who redirects may know of a member."""


class Intake(Construct):
    """The two HTTP APIs, the functions that answer at once, and the one that takes silence for an
    answer."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        settings: StageSettings,
        layers: Layers,
        storage: Storage,
    ) -> None:
        super().__init__(scope, construct_id)
        self.hash_secret = hash_secret = self._hash_secret(settings)
        self.id_secret = id_secret = self._id_secret(settings)
        self.click_token_keys = self._click_token_keys(settings)
        self.links_api = ThrottledApi(
            self,
            "LinksApi",
            settings,
            settings.links_throttle,
            access_log=settings.links_access_log,
            domain_name=settings.links_domain,
            certificate_arn=settings.certificate_arn,
        )
        self.api = ThrottledApi(self, "NetworkApi", settings, settings.api_throttle)

        self.record_click = FlowFunction(
            self,
            "record_click",
            settings,
            layers,
            reads=[storage.links],
            writes=[storage.clicks],
            access=REDIRECT_ACCESS,
            layer_names=("core",),
            # Reading a link and its hosts takes at most three seconds each, storing a click half
            # of that.
            size=Size(timeout_s=10),
            environment={"HASH_SECRET": hash_secret, **_visit_headers(settings)},
            # Of each run Lambda would write two lines, at a quarter of what the whole run costs.
            system_log=lambda_.SystemLogLevel.WARN,
        )
        self.record_click.allow_attributes("GetItem", storage.members, *HOSTS_OF_A_MEMBER)
        self.links_api.route(
            self.record_click, "GET /{code}", "HEAD /{code}", "GET /{code}/pixel.gif"
        )
        self.links_api.route_the_rest(self.record_click)

        self.record_conversion = FlowFunction(
            self,
            "record_conversion",
            settings,
            layers,
            reads=[storage.keys, *storage.report_reads],
            writes=[*storage.report_writes, storage.proposals, storage.audit],
            environment={
                "HASH_SECRET": hash_secret,
                "ID_SECRET": id_secret,
                **(
                    {"CLICK_TOKEN_KEYS": self.click_token_keys} if settings.click_token_keys else {}
                ),
            },
        )
        self.api.route(
            self.record_conversion,
            "POST /v1/conversions",
            "POST /v1/conversions/{conversion_id}/confirmation",
            "POST /v1/conversions/{conversion_id}/rejection",
            "POST /v1/conversions/{conversion_id}/refunds",
        )
        self.api.route(
            self.record_conversion,
            "POST /v1/conversions/{conversion_id}/release",
            share=BY_HAND,
        )

        self.record_customer = FlowFunction(
            self,
            "record_customer",
            settings,
            layers,
            reads=[storage.keys, storage.members, storage.conversions],
            writes=[storage.customers, storage.audit],
            environment={"HASH_SECRET": hash_secret},
        )
        self.api.route(
            self.record_customer,
            "POST /v1/client-codes",
            "POST /v1/customers/opt-out",
            "POST /v1/customers/opt-in",
        )
        self.api.route(self.record_customer, "POST /v1/customers/unbind", share=BY_HAND)

        self.decide_proposals = FlowFunction(
            self,
            "decide_proposals",
            settings,
            layers,
            reads=[storage.programs],
            writes=[
                storage.members,
                storage.settings,
                *storage.report_writes,
                storage.ledger,
                storage.keys,
                storage.proposals,
                storage.audit,
            ],
            environment={"HASH_SECRET": hash_secret, "ID_SECRET": id_secret},
        )
        self.api.route(
            self.decide_proposals,
            "POST /v1/proposals/{proposal_id}/approval",
            "POST /v1/proposals/{proposal_id}/withdrawal",
            share=BY_HAND,
        )

        self.confirm_conversions = FlowFunction(
            self,
            "confirm_conversions",
            settings,
            layers,
            reads=[storage.settings, storage.programs, storage.members],
            writes=[storage.conversions, storage.customers, storage.tallies],
            size=Size(timeout_s=60),
            environment={"HASH_SECRET": hash_secret},
        )
        silence = Tick(
            self,
            "Silence",
            self.confirm_conversions,
            every=Duration.hours(1),
            payload={"source": "linkage.tick"},
        )
        self.ticks = [silence]

        self.manage_network = FlowFunction(
            self,
            "manage_network",
            settings,
            layers,
            reads=storage.tables,
            writes=[
                storage.members,
                storage.programs,
                storage.links,
                storage.coupons,
                storage.keys,
                storage.settings,
                storage.proposals,
                storage.audit,
            ],
            access=Access(scans=(storage.conversions.noun,)),
            layer_names=("vendor", "core", "api"),
            size=Size(memory_mb=1024),
            environment={
                "ID_SECRET": id_secret,
                "LINKS_URL": self.links_api.url,
                "PAYOUT_FILES_BUCKET": storage.payout_files.bucket_name,
                **({"EDGE": "on"} if settings.edge else {}),
            },
        )
        # Since a change of hosts writes no links, the redirect that reads hosts from their vendor
        # has to be there first while one release replaces the other.
        self.manage_network.node.add_dependency(self.record_click.function)
        # To sign URLs for payout files: a signed URL can do what its signer can.
        allow_objects(self.manage_network, ["s3:GetObject"], storage.payout_files)
        # Whoever reads in a loop keeps nobody from writing.
        self.api.route(
            self.manage_network,
            *(f"{method} /v1/{{proxy+}}" for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
        )
        self.api.route_the_rest(self.manage_network)

        self.check_links = FlowFunction(
            self,
            "check_links",
            settings,
            layers,
            environment={"LINKS_URL": self.links_api.url},
        )
        if settings.check_link:
            check = Tick(
                self,
                "Check",
                self.check_links,
                every=Duration.hours(1),
                payload={"source": "linkage.tick", "code": settings.check_link},
            )
            self.ticks.append(check)

    def _hash_secret(self, settings: StageSettings) -> str:
        """What click ids, visitors and customers are hashed with."""
        return self._secret(
            "HashSecret",
            "Linkage: the key of click ids, visitor and customer hashes",
            "Another secret would turn every known customer into a stranger and every repeated"
            " click into a new one; a leak is answered by hand, knowing that price.",
            settings,
        )

    def _id_secret(self, settings: StageSettings) -> str:
        """What the ids of conversions and the codes of repeatable links are keyed by."""
        return self._secret(
            "IdSecret",
            "Linkage: the key of the ids of conversions and of the codes of links; never change it",
            "It never rotates: with another one an order reported before would be a new order and"
            " be paid twice, so the functions refuse to work with another.",
            settings,
        )

    def _click_token_keys(self, settings: StageSettings) -> str:
        """The secrets of click tokens by key id, as JSON of references like those above."""
        references = {
            key_id: self._secret(
                f"ClickTokenKey{key_id}",
                f"Linkage: key {key_id} of the click ids that the edge signs",
                "It is rotated by listing a second key in click_token_keys: clicks signed with the"
                " first one must count for as long as they can lead to a sale.",
                settings,
            )
            for key_id in settings.click_token_keys
        }
        return "{" + ",".join(f'"{key_id}":"{each}"' for key_id, each in references.items()) + "}"

    def _secret(
        self, construct_id: str, description: str, why_not_rotated: str, settings: StageSettings
    ) -> str:
        """A secret, as a reference that CloudFormation resolves while it deploys, so that it is in
        no template."""
        secret = secretsmanager.Secret(
            self,
            construct_id,
            description=description,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=64, exclude_punctuation=True
            ),
            removal_policy=settings.removal_policy,
        )
        acknowledge(secret, "SMG4", why_not_rotated)
        return SecretValue.secrets_manager(secret.secret_arn).unsafe_unwrap()


def _visit_headers(settings: StageSettings) -> dict[str, str]:
    """The headers that say more of a visit than the request itself, where the stage has any."""
    headers = {
        "COUNTRY_HEADER": settings.country_header,
        "VIEWER_ADDRESS_HEADER": settings.viewer_address_header,
    }
    return {name: header for name, header in headers.items() if header}
