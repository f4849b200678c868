from __future__ import annotations

import pytest

from controllers.metadata_informers import deletable_resources
from minikube_py.api.resources import BUILT_IN, EVENTS_V1, HORIZONTAL_POD_AUTOSCALERS, IP_ADDRESSES


def test_an_object_of_two_presentations_is_counted_once() -> None:
    rows = deletable_resources(BUILT_IN.presented(32))
    assert EVENTS_V1 not in rows
    assert [row for row in rows if row.kind == "HorizontalPodAutoscaler"] == [HORIZONTAL_POD_AUTOSCALERS]


@pytest.mark.parametrize(("minor", "presented"), [(32, False), (33, True)], ids=["before", "from its version on"])
def test_a_kind_is_watched_where_it_is_presented(minor: int, presented: bool) -> None:
    assert (IP_ADDRESSES in deletable_resources(BUILT_IN.presented(minor))) == presented
