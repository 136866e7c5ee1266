"""Addresses and the service config."""

import json

import pytest

from relatum import channel


def test_one_target_is_passed_on_for_grpc_to_resolve() -> None:
    assert channel.address("localhost:50051") == "localhost:50051"
    assert channel.address("unix:/run/relatum") == "unix:/run/relatum"


def test_several_targets_become_one_static_list() -> None:
    assert channel.address("127.0.0.1:1, 127.0.0.2:2") == "ipv4:127.0.0.1:1,127.0.0.2:2"
    assert channel.address("[::1]:1,[::2]:2") == "ipv6:[::1]:1,[::2]:2"


@pytest.mark.parametrize("target", ["", " , ", "host", "host:", ":1", "host:x", "host:70000"])
def test_a_target_without_host_or_port_is_refused_with_the_form(target: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        channel.address(target)


def test_targets_of_both_families_are_refused() -> None:
    with pytest.raises(ValueError, match="mixes"):
        channel.address("127.0.0.1:1,[::1]:2")


def test_the_service_config_covers_every_method_and_retries_cancelled_reads_only() -> None:
    config = json.loads(channel.service_config())

    codes = {
        name["method"]: entry["retryPolicy"]["retryableStatusCodes"]
        for entry in config["methodConfig"]
        for name in entry["name"]
    }
    assert set(codes) == {method.name for method in channel.methods()}
    assert all("UNAVAILABLE" in retried for retried in codes.values())
    assert {name for name, retried in codes.items() if "CANCELLED" not in retried} == set(
        channel.WRITES
    )
    assert config["healthCheckConfig"] == {"serviceName": ""}
    assert config["loadBalancingConfig"] == [{"round_robin": {}}]
