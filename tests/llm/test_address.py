"""Where a model may live, and where nothing is ever sent."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from agentctx.errors import InvalidInput, ModelFailed
from agentctx.llm.address import check_url, resolve


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://10.0.0.5:8443/v1",
        "http://127.0.0.1:11434/v1",
        "http://localhost:1234/v1",
        "http://[::1]:8080/v1",
        "https://host.example/openai/deployments/x?api-version=2024-10-21",
    ],
)
def test_a_usual_address_is_accepted(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1",
        "http://192.168.1.4:8000/v1",
        "http://169.254.169.254/latest",
        "https://169.254.169.254/latest",
        "https://[fe80::1]/v1",
        "https://[::ffff:169.254.169.254]/v1",
        "https://[64:ff9b::a9fe:a9fe]/v1",
        "https://[fd00:ec2::254]/v1",
        "https://metadata.google.internal/v1",
        "https://METADATA.google.internal./v1",
        "https://100.100.100.200/v1",
        "https://0.0.0.0/v1",
        "https://user:password@host.example/v1",
        "file:///etc/passwd",
        "ftp://host.example/v1",
        "gopher://host.example",
        "https://",
        "//host.example/v1",
        "https://host.example/v1\r\nX: y",
        "https://host.example\\@127.0.0.1/v1",
        "https://host.example:port/v1",
        "http://127.0.0.1.example.com/v1",
        "http://localhost.example.com/v1",
    ],
)
def test_an_unsafe_address_is_refused_by_its_looks(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_url(url)
    assert "password@" not in caught.value.message


def test_plain_http_to_another_machine_needs_a_flag() -> None:
    check_url("http://192.168.1.4:8000/v1", allow_http=True)
    with pytest.raises(InvalidInput):
        check_url("http://169.254.169.254/v1", allow_http=True)


def _pretend(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def found(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.parametrize(
    "addresses", [("169.254.169.254",), ("93.184.216.34", "169.254.170.2"), ("fe80::1%eth0",), ("0.0.0.0",)]
)
def test_a_name_that_resolves_to_a_forbidden_address_is_not_contacted(
    addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    _pretend(monkeypatch, *addresses)
    with pytest.raises(ModelFailed, match="not contacted"):
        resolve("innocent.example.com", 443)


def test_a_loopback_name_must_resolve_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, "93.184.216.34")
    with pytest.raises(ModelFailed, match="not this machine"):
        resolve("localhost", 80)


@pytest.mark.parametrize("host", ["2852039166", "0xA9FEA9FE", "0251.0376.0251.0376"])
def test_a_disguised_number_is_refused_once_resolved(host: str) -> None:
    with pytest.raises(ModelFailed):
        resolve(host, 443)


def test_a_name_that_does_not_resolve_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ModelFailed, match="does not resolve"):
        resolve("nowhere.example.com", 443)
