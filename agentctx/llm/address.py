"""Where a model may live: https anywhere but metadata services, plain http on this machine only."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from agentctx.errors import InvalidInput, ModelFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)
_METADATA_NAMES = frozenset(
    ("metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def check_url(url: str, allow_http: bool = False) -> None:
    """Refuse a provider URL by its looks alone (nothing is resolved). Raises ``InvalidInput``."""
    hint = "agentctx provider set --url https://HOST/v1"
    if any(c <= " " or c == "\x7f" for c in url) or "\\" in url:
        raise InvalidInput("the provider's URL holds white space, a control character or a backslash", hint)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidInput(f"the provider's URL cannot be read: {error}", hint) from None
    if parts.scheme not in ("https", "http") or not host:
        raise InvalidInput(f"the provider's URL {_shown(url)} is not an http(s) address", hint)
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(
            "the provider's URL holds a user name or password",
            "put the key into an environment variable: agentctx provider set --key-variable NAME",
        )
    if host.rstrip(".").lower() in _METADATA_NAMES or forbidden(_literal(host)):
        raise InvalidInput(f"the provider's host {host} is a metadata or link-local address", hint)
    if parts.scheme == "http" and not (is_loopback(host) or allow_http):
        raise InvalidInput(
            f"plain http to {host} would send the repository's code and the key in the clear",
            "use https, or agentctx provider set --allow-http if the network is trusted",
        )


def is_loopback(host: str) -> bool:
    """Whether a host as written (not resolved) is this machine."""
    name = host.rstrip(".").lower()
    literal = _literal(host)
    return name == "localhost" or name.endswith(".localhost") or (literal is not None and literal.is_loopback)


def resolve(host: str, port: int) -> list[str]:
    """Addresses to connect to, every one of them checked; connecting to these leaves no second look-up.

    Raises ``ModelFailed`` when the name does not resolve, when any address is link-local, metadata,
    multicast or unspecified, and when a loopback name resolves to another machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ModelFailed(
            f"the provider's host {host} does not resolve ({error.__class__.__name__})",
            "check the network and the address: agentctx provider show",
        ) from None
    texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for text in texts:
        address = _literal(text)
        if forbidden(address):
            raise ModelFailed(f"{host} resolves to {text}, a link-local or metadata address; not contacted")
        if is_loopback(host) and not (address and address.is_loopback):
            raise ModelFailed(f"{host} resolves to {text}, which is not this machine; not contacted")
    return texts


def forbidden(address: Address | None) -> bool:
    """Link-local, metadata, multicast and unspecified addresses, also when wrapped into IPv6."""
    if address is None:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None and forbidden(inner):
            return True
    odd = address.is_link_local or address.is_multicast or address.is_unspecified
    return odd or address in _METADATA or (address.version == 4 and address.is_reserved)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.split("%", 1)[0].strip("[]"))
    except ValueError:
        return None


def _shown(url: str) -> str:
    """A URL for a message: without what could be a password, and short."""
    return (url.rsplit("@", 1)[-1] if "@" in url else url)[:80]
