from __future__ import annotations

import importlib

import pytest
from pydantic import ValidationError

from controllers.registry import CONTROLLERS, UnknownController, selected
from controllers.settings import Settings


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.name) for entry in CONTROLLERS])
def test_every_controller_can_be_built(entry):
    assert callable(getattr(importlib.import_module(entry.module), entry.builder))


def names(*wanted: str) -> list[str]:
    return [entry.name for entry in selected(wanted)]


def test_a_star_is_all_of_them():
    assert names("*") == [entry.name for entry in CONTROLLERS]


def test_one_can_be_left_out():
    assert set(names("*")) - set(names("*", "-namespace-controller")) == {"namespace-controller"}


def test_one_can_be_named():
    assert names("namespace-controller") == ["namespace-controller"]


def test_an_unknown_one_is_refused_by_name():
    with pytest.raises(UnknownController, match='"-cloud" is not in the list of known controllers'):
        selected(["*", "-cloud"])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        pytest.param({"unknown": 1}, "unknown", id="an unknown setting"),
        pytest.param({"cluster_cidr": "10.0.0.0/33"}, "cluster_cidr", id="no network"),
        pytest.param({"cluster_cidr": "10.0.0.0/25"}, "does not fit", id="a network too small for one node"),
    ],
)
def test_settings_that_are_refused(setting, message):
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate({"kubeconfig": "x", **setting})
