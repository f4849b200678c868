from __future__ import annotations

from controllers.endpoints.subsets import repack, truncate

HTTP = {"name": "http", "port": 80, "protocol": "TCP"}
HTTPS = {"name": "https", "port": 443, "protocol": "TCP"}


def address(number: int) -> dict[str, str]:
    return {"ip": f"10.0.0.{number}"}


def test_addresses_with_the_same_ports_share_a_subset():
    entries = [(address(n), port, True) for n in (10, 9) for port in (HTTPS, HTTP)]
    assert repack(entries) == [{"addresses": [address(9), address(10)], "ports": [HTTP, HTTPS]}]


def test_addresses_with_other_ports_have_a_subset_of_their_own():
    subsets = repack([(address(1), HTTP, True), (address(2), HTTPS, True)])
    assert [(s["addresses"], s["ports"]) for s in subsets] == [([address(1)], [HTTP]), ([address(2)], [HTTPS])]


def test_ready_wins_over_not_ready_for_one_address():
    assert repack([(address(1), HTTP, True), (address(1), HTTP, False)]) == [
        {"addresses": [address(1)], "ports": [HTTP]}
    ]


def test_without_ports_there_are_none():
    assert repack([(address(1), None, False)]) == [{"notReadyAddresses": [address(1)]}]


def test_truncation_keeps_ready_addresses_first():
    subset = {"addresses": [address(1), address(2)], "notReadyAddresses": [address(3), address(4)], "ports": [HTTP]}
    assert truncate([subset], 4) == ([subset], False)
    assert truncate([subset], 3) == ([{**subset, "notReadyAddresses": [address(3)]}], True)
