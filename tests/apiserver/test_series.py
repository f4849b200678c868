"""Counters and histograms as plain numbers, and their text."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from apiserver.series import Histograms, Numbers, family


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for each in text_string_to_metric_families(text)
        for sample in each.samples
    }


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        pytest.param(0.5, [1, 0, 0], id="below the first bound"),
        pytest.param(1.0, [1, 0, 0], id="at a bound"),
        pytest.param(1.5, [0, 1, 0], id="between two"),
        pytest.param(9.0, [0, 0, 1], id="above the last"),
    ],
)
def test_a_value_is_counted_where_it_does_not_exceed_the_bound(value: float, counts: list[int]) -> None:
    tally = Histograms("h", "Help.", (), (1, 2)).of()
    tally.observe(value)
    assert (tally.counts, tally.sum, tally.total) == (counts, value, 1)


def test_the_text_of_a_histogram_is_cumulative() -> None:
    histograms = Histograms("h_seconds", "Help.", ("verb",), (0.005, 1, 1_000_000))
    for value in (0.001, 0.5, 2_000_000):
        histograms.of("GET").observe(value)
    text = "".join(histograms.text())
    assert 'h_seconds_bucket{verb="GET",le="1e+06"} 2\n' in text
    found = samples(text)
    assert found["h_seconds_bucket", (("le", "0.005"), ("verb", "GET"))] == 1
    assert found["h_seconds_bucket", (("le", "+Inf"), ("verb", "GET"))] == 3
    assert found["h_seconds_count", (("verb", "GET"),)] == 3
    assert found["h_seconds_sum", (("verb", "GET"),)] == 2_000_000.501


def test_what_has_no_labels_is_there_at_zero_and_the_rest_is_not() -> None:
    assert "".join(Numbers("a_total", "counter", "Help.").text()).endswith("# TYPE a_total counter\na_total 0\n")
    assert "h_count 0\n" in "".join(Histograms("h", "Help.", (), (1,)).text())
    assert "".join(Numbers("b", "gauge", "Help.", ("x",)).text()).endswith("# TYPE b gauge\n")


def test_label_values_are_escaped() -> None:
    text = "".join(family("a", "gauge", "Help.", ("x",), [(('"\\\n',), 1)]))
    assert samples(text) == {("a", (("x", '"\\\n'),)): 1}
