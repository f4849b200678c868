from __future__ import annotations

from controllers.actions import Update
from controllers.cluster_role_aggregation import sync
from minikube_py.api.resources import CLUSTER_ROLES

RULE = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
SOURCE = {"metadata": {"name": "source", "labels": {"to": "all"}}, "rules": [RULE]}
GATHERING = {
    "metadata": {"name": "all"},
    "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "all"}}]},
    "rules": None,
}


def test_a_role_is_given_what_it_gathers():
    assert sync(GATHERING, [SOURCE, GATHERING]) == (Update(CLUSTER_ROLES, {**GATHERING, "rules": [RULE]}),)


def test_a_role_that_has_it_is_left_alone():
    assert sync({**GATHERING, "rules": [RULE]}, [SOURCE]) == ()


def test_what_nobody_gives_any_more_is_taken_away():
    assert sync({**GATHERING, "rules": [RULE]}, []) == (Update(CLUSTER_ROLES, {**GATHERING, "rules": []}),)


def test_a_role_of_its_own_rules_is_left_alone():
    assert sync(SOURCE, [SOURCE]) == ()
