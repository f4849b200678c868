from random import Random

import pytest

from minikube_py.api import names


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        pytest.param(names.dns1123_label, ["a", "1-a", "x" * 63], ["", "A", "-a", "a.b", "x" * 64, "a\n"], id="label"),
        pytest.param(names.dns1123_subdomain, ["a.b", "1.2", "x" * 253], ["", ".a", "a_b", "x" * 254], id="subdomain"),
        pytest.param(names.dns1035_label, ["a", "a-1"], ["", "1a", "a-"], id="service name"),
        pytest.param(
            names.qualified_name, ["a", "A_b.c", "example.com/x"], ["", "/x", "a/", "a/b/c", "A/x", "-"], id="key"
        ),
        pytest.param(names.label_value, ["", "A", "a.b_c"], ["-", "a b", "x" * 64], id="label value"),
    ],
)
def test_checks(check: names.Check, good: list[str], bad: list[str]) -> None:
    assert all(check(value) == [] for value in good)
    assert all(check(value) for value in bad)


def test_messages_are_those_of_upstream() -> None:
    assert names.dns1123_label("A") == [
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    ]
    assert names.dns1123_subdomain("Bad_Name") == [
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
        "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    ]
    assert names.qualified_name("/x") == ["prefix part must be non-empty"]


def test_a_generated_name_is_short_enough_and_has_a_suffix() -> None:
    generated = names.generate_name("web-", Random(1))
    assert generated.startswith("web-")
    assert len(generated) == 9
    assert set(generated[4:]) <= set(names.SUFFIX_ALPHABET)
    assert len(names.generate_name("x" * 100, Random(1))) == 63
