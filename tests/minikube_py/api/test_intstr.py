import pytest

from minikube_py.api.intstr import scaled_value


@pytest.mark.parametrize(
    ("value", "total", "up", "down"),
    [
        pytest.param(3, 10, 3, 3, id="a whole number is itself"),
        pytest.param("25%", 10, 3, 2, id="a percentage is rounded as asked"),
        pytest.param("25%", 3, 1, 0, id="a small total"),
        pytest.param("100%", 7, 7, 7, id="all of it"),
        pytest.param("0%", 7, 0, 0, id="none of it"),
    ],
)
def test_scaled_value(value: int | str, total: int, up: int, down: int) -> None:
    assert scaled_value(value, total, round_up=True) == up
    assert scaled_value(value, total, round_up=False) == down


def test_other_text_is_refused() -> None:
    with pytest.raises(ValueError, match="string is not a percentage"):
        scaled_value("many", 3, round_up=True)
