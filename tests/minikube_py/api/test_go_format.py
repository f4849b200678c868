from typing import Any

import pytest

from minikube_py.api.go_format import go_format, go_type


@pytest.mark.parametrize(
    ("value", "shown", "kind"),
    [
        pytest.param({"b": [1, "x"], "a": None}, "map[a:<nil> b:[1 x]]", "map[string]interface {}", id="a map"),
        pytest.param([], "[]", "[]interface {}", id="an empty list"),
        pytest.param(True, "true", "bool", id="a boolean"),
        pytest.param(1, "1", "int64", id="an integer"),
        pytest.param(1.5, "1.5", "float64", id="a number"),
        pytest.param("x", "x", "string", id="text"),
        pytest.param(None, "<nil>", "<nil>", id="nothing"),
    ],
)
def test_a_value_as_go_prints_it(value: Any, shown: str, kind: str) -> None:
    assert (go_format(value), go_type(value)) == (shown, kind)
