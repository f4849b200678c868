from __future__ import annotations

import pytest

from kubelet.expansion import expand, expand_strictly

VARIABLES = {"A": "1", "B": "two", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain", "plain", id="text without references"),
        pytest.param("$(A)-$(B)", "1-two", id="two references"),
        pytest.param("$(EMPTY)", "", id="an empty value"),
        pytest.param("$(C)", "$(C)", id="an unknown variable stays"),
        pytest.param("$$(A)", "$(A)", id="a doubled operator escapes"),
        pytest.param("$$$(A)", "$1", id="an escape before a reference"),
        pytest.param("$(A", "$(A", id="an unfinished reference stays"),
        pytest.param("$", "$", id="a lone operator at the end"),
        pytest.param("$A", "$A", id="an operator without an opener"),
        pytest.param("a$(A)$", "a1$", id="an operator after a reference"),
        pytest.param("$((A))", "$((A))", id="nested parentheses are no reference"),
    ],
)
def test_expand(text: str, expected: str) -> None:
    assert expand(text, VARIABLES) == expected


def test_expand_strictly_names_the_unknown_variable() -> None:
    with pytest.raises(KeyError, match="C"):
        expand_strictly("$(A)$(C)", VARIABLES)
