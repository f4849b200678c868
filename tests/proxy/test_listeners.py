from __future__ import annotations

import dataclasses

import pytest

from proxy.endpoints import Backend, ServicePort
from proxy.listeners import Conflict, Listener, has_local_load_balancer, parse_listeners, without_conflicts

HERE, ELSEWHERE = "192.0.2.2", "192.0.2.3"
WEB = ServicePort(
    "default",
    "web",
    "",
    "tcp",
    "10.96.0.7",
    22,
    load_balancer_ips=(HERE, ELSEWHERE),
    cluster_endpoints=(Backend("10.244.0.5", 8080),),
)
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


@pytest.mark.parametrize(
    ("protocol", "line", "expected"),
    [
        pytest.param("tcp", "0: 020200C0:0016 00000000:0000 0A 0", [Listener("tcp", HERE, 22)], id="one address"),
        pytest.param("tcp", "0: 00000000:1921 00000000:0000 0A 0", [Listener("tcp", "", 6433)], id="every address"),
        pytest.param("tcp", "0: 020200C0:0016 030200C0:C350 01 0", [], id="a connection is no listener"),
        pytest.param("udp", "0: 0100007F:0035 00000000:0000 07 0", [Listener("udp", "127.0.0.1", 53)], id="UDP"),
        pytest.param("udp", "0: 0100007F:0035 0100007F:C350 01 0", [], id="connected UDP"),
        pytest.param(
            "tcp", f"0: {'0' * 32}:0016 {'0' * 32}:0000 0A 0", [Listener("tcp", "", 22)], id="every address by IPv6"
        ),
        pytest.param(
            "tcp",
            f"0: 0000000000000000FFFF0000020200C0:0016 {'0' * 32}:0000 0A 0",
            [Listener("tcp", HERE, 22)],
            id="an IPv4 address by IPv6",
        ),
        pytest.param(
            "tcp",
            f"0: {'0' * 24}01000000:0016 {'0' * 32}:0000 0A 0",
            [Listener("tcp", "::1", 22)],
            id="an IPv6 address",
        ),
    ],
)
def test_the_kernels_table(protocol: str, line: str, expected: list[Listener]) -> None:
    assert list(parse_listeners(f"{HEADER}   {line}\n", protocol)) == expected


@pytest.mark.parametrize(
    ("listener", "taken"),
    [
        pytest.param(Listener("tcp", "", 22), True, id="every address"),
        pytest.param(Listener("tcp", HERE, 22), True, id="this address"),
        pytest.param(Listener("tcp", "127.0.0.1", 22), False, id="another address"),
        pytest.param(Listener("udp", "", 22), False, id="another protocol"),
        pytest.param(Listener("tcp", "", 23), False, id="another port"),
        pytest.param(Listener("tcp", ELSEWHERE, 22), False, id="an address that is not the host's"),
    ],
)
def test_only_the_hosts_own_ports_are_spared(listener: Listener, taken: bool) -> None:
    (port,), conflicts = without_conflicts((WEB,), frozenset({listener}), lambda address: address == HERE)
    if taken:
        assert port == dataclasses.replace(WEB, load_balancer_ips=(ELSEWHERE,))
        assert conflicts == (Conflict("default/web", "tcp", HERE, 22),)
    else:
        assert port is WEB
        assert conflicts == ()


def test_only_a_load_balancer_on_this_host_needs_a_look() -> None:
    assert has_local_load_balancer((WEB,), lambda address: address == HERE)
    assert not has_local_load_balancer((WEB,), lambda address: False)
    assert not has_local_load_balancer((), lambda address: True)
