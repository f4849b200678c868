import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.api.quantity import FORMAT_WRONG, SUFFIX_WRONG, Quantity


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("100m", "100m", id="thousandths stay"),
        pytest.param("0.5", "500m", id="a fraction becomes thousandths"),
        pytest.param("1000m", "1", id="a thousand thousandths are one"),
        pytest.param("1500m", "1500m", id="one and a half has no whole form"),
        pytest.param("1Gi", "1Gi", id="binary stays binary"),
        pytest.param("1.5Gi", "1536Mi", id="a binary fraction takes a smaller suffix"),
        pytest.param("1024Ki", "1Mi", id="binary is carried up"),
        pytest.param("1023Ki", "1023Ki", id="binary is not carried up early"),
        pytest.param("0.5Ki", "512", id="less than 1024 is written in decimal"),
        pytest.param("0.0001Mi", "104857600u", id="an inexact binary amount is written in decimal"),
        pytest.param("1e3", "1e3", id="exponent form stays"),
        pytest.param("1E3", "1e3", id="upper-case exponent"),
        pytest.param("5E", "5E", id="a bare E is exa"),
        pytest.param("1500e0", "1500", id="exponent zero is not written"),
        pytest.param("12000k", "12M", id="decimal is carried up"),
        pytest.param("+3", "3", id="plus sign"),
        pytest.param("-2500m", "-2500m", id="negative"),
        pytest.param("0Gi", "0", id="zero has no suffix"),
        pytest.param(".5", "500m", id="no digit before the point"),
        pytest.param("5.", "5", id="no digit after the point"),
        pytest.param("0.0000000001", "1n", id="finer than a billionth is rounded up"),
        pytest.param("1e100", "9223372036854775807", id="too large is capped"),
        pytest.param(2, "2", id="a JSON integer"),
        pytest.param(0.25, "250m", id="a JSON float"),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    assert str(Quantity.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", FORMAT_WRONG, id="empty"),
        pytest.param("much", FORMAT_WRONG, id="a word"),
        pytest.param("1.1.M", FORMAT_WRONG, id="two points"),
        pytest.param("1 Gi", FORMAT_WRONG, id="a space"),
        pytest.param("Mi", FORMAT_WRONG, id="no number"),
        pytest.param("1i", SUFFIX_WRONG, id="an incomplete suffix"),
        pytest.param("1gi", FORMAT_WRONG, id="a lower-case suffix"),
        pytest.param("1mM", SUFFIX_WRONG, id="an unknown suffix"),
        pytest.param("1e", SUFFIX_WRONG, id="an exponent without digits"),
        pytest.param(True, FORMAT_WRONG, id="a boolean"),
        pytest.param("٣", FORMAT_WRONG, id="digits of another script"),
        pytest.param("1\n", FORMAT_WRONG, id="a newline"),
    ],
)
def test_malformed_quantities_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        Quantity.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "value", "milli"),
    [
        pytest.param("100m", 1, 100, id="rounded up to one"),
        pytest.param("-100m", -1, -100, id="rounded away from zero"),
        pytest.param("1Gi", 2**30, 2**30 * 1000, id="binary"),
        pytest.param("1u", 1, 1, id="both rounded up"),
    ],
)
def test_whole_numbers_and_thousandths(text: str, value: int, milli: int) -> None:
    quantity = Quantity.parse(text)
    assert (quantity.value(), quantity.milli()) == (value, milli)


def test_arithmetic_and_comparison() -> None:
    assert str(Quantity.parse("1Gi") + Quantity.parse("512Mi")) == "1536Mi"
    assert str(Quantity.parse("0") + Quantity.parse("1Mi")) == "1Mi"
    assert str(Quantity.parse("1") - Quantity.parse("100m")) == "900m"
    assert Quantity.parse("1") == Quantity.parse("1000m")
    assert hash(Quantity.parse("1")) == hash(Quantity.parse("1000m"))
    assert Quantity.parse("999m") < Quantity.parse("1")


@given(st.integers(-(10**15), 10**15), st.sampled_from(["n", "u", "m", "", "k", "Ki", "Mi", "e2", "e-3"]))
def test_the_canonical_form_writes_the_same_amount(number: int, suffix: str) -> None:
    quantity = Quantity.parse(f"{number}{suffix}")
    assert Quantity.parse(str(quantity)) == quantity
    assert str(Quantity.parse(str(quantity))) == str(quantity)
