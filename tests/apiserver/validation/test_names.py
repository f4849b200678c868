from __future__ import annotations

import pytest

from apiserver.validation import names


@pytest.mark.parametrize(
    ("value", "messages"),
    [
        ("http", []),
        ("a-b-2", []),
        (
            "",
            [
                "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                "must contain at least one letter (a-z)",
            ],
        ),
        ("80", ["must contain at least one letter (a-z)"]),
        ("a--b", ["must not contain consecutive hyphens"]),
        ("-a", ["must not begin or end with a hyphen"]),
        ("Http", ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]),
        ("a234567890123456", ["must be no more than 15 characters"]),
    ],
)
def test_port_names(value: str, messages: list[str]) -> None:
    assert names.port_name_messages(value) == messages


@pytest.mark.parametrize("value", ["a", "A.b_c-d", ".hidden", "..."[:1] + "x"])
def test_good_config_keys(value: str) -> None:
    assert list(names.config_key("f", value)) == []


@pytest.mark.parametrize("value", ["", ".", "..", "..x", "a/b", "x" * 254])
def test_bad_config_keys(value: str) -> None:
    assert list(names.config_key("f", value))


@pytest.mark.parametrize(("value", "good"), [("10.0.0.0/8", True), ("10.0.0.1", False), ("10.0.0.0/33", False)])
def test_cidr(value: str, good: bool) -> None:
    assert (list(names.cidr("f", value)) == []) is good


@pytest.mark.parametrize(
    ("value", "good"),
    [("192.0.2.1", True), ("0.0.0.0", False), ("127.0.0.1", False), ("169.254.1.1", False), ("224.0.0.1", False)],
)
def test_special_addresses(value: str, good: bool) -> None:
    assert (list(names.non_special_ip("f", value)) == []) is good


def test_path_segments() -> None:
    assert names.path_segment("system:node:x") == []
    assert names.path_segment("a/b%") == ["may not contain '/'", "may not contain '%'"]
    assert names.path_segment("..") == ["may not be '..'"]
