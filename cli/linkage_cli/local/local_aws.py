"""The environment in which every AWS client, ours and CDK's, talks to nothing but the emulator."""

import ipaddress
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from linkage_cli.errors import NotLocalError

ACCOUNT = "000000000000"
REGION = "us-east-1"
# CDK_ names an account and a region; `cdk.json` runs a make that must not join the make above it.
FOREIGN_PREFIXES = ("AWS_", "CDK_", "MAKE", "MFLAGS")


def endpoint_of(port: int) -> str:
    """The emulator's address."""
    return f"http://127.0.0.1:{port}"


def refuse_other_networks(environ: Mapping[str, str]) -> None:
    """Raises `NotLocalError` when the environment names an AWS endpoint off this machine."""
    for name, value in sorted(environ.items()):
        if name.startswith("AWS_ENDPOINT_URL") and value and not is_loopback(value):
            raise NotLocalError(
                f"{name} is set to {value}, which is not this machine. The local run talks to its "
                f"own emulator on 127.0.0.1 and to nothing else. Unset it and run again: "
                f"unset {name}"
            )


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine, by its name or address alone."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def environment_for(port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """A copy of the environment with no AWS account in it, pointed at the emulator on `port`."""
    kept = {name: value for name, value in environ.items() if not name.startswith(FOREIGN_PREFIXES)}
    nowhere = os.devnull
    return kept | {
        "AWS_ENDPOINT_URL": endpoint_of(port),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


@contextmanager
def local_aws(port: int) -> Iterator[None]:
    """While it lasts, this process's own AWS clients talk to the emulator on `port`."""
    before = dict(os.environ)
    refuse_other_networks(before)
    replace_environment(environment_for(port, before))
    try:
        yield
    finally:
        replace_environment(before)


def replace_environment(wanted: Mapping[str, str]) -> None:
    """Makes the process's environment exactly `wanted`."""
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)
