"""StatefulSet, DaemonSet, ReplicationController, PodTemplate and ControllerRevision."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from apiserver.strategies import strategy_for
from minikube_py.api import resources
from minikube_py.api.resources import Resource

TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
SETS = (resources.STATEFUL_SETS, resources.DAEMON_SETS)


def an_object(resource: Resource, name: str = "x", **fields: Any) -> dict[str, Any]:
    return strategy_for(resource).default({"metadata": {"name": name, "namespace": "d"}, **copy.deepcopy(fields)})


def a_set(resource: Resource, name: str = "x", **spec: Any) -> dict[str, Any]:
    selector = {"matchLabels": {"app": "x"}}
    return an_object(resource, name, spec={"selector": selector, "template": TEMPLATE, **spec})


def stateful(**spec: Any) -> dict[str, Any]:
    return a_set(resources.STATEFUL_SETS, **spec)


def daemons(**update: Any) -> dict[str, Any]:
    return a_set(resources.DAEMON_SETS, updateStrategy={"rollingUpdate": update})


def a_controller(**spec: Any) -> dict[str, Any]:
    return an_object(resources.REPLICATION_CONTROLLERS, spec={"template": TEMPLATE, **spec})


def template_with(**spec: Any) -> dict[str, Any]:
    return {**TEMPLATE, "spec": {**TEMPLATE["spec"], **spec}}


def errors_of(resource: Resource, obj: dict[str, Any]) -> list[str]:
    return [str(error) for error in strategy_for(resource).validate(obj)]


@pytest.mark.parametrize(
    ("resource", "obj"),
    [
        (resources.STATEFUL_SETS, stateful(serviceName="s", ordinals={"start": 3})),
        (resources.DAEMON_SETS, a_set(resources.DAEMON_SETS)),
        (resources.DAEMON_SETS, daemons(maxSurge="10%", maxUnavailable=0)),
        (resources.REPLICATION_CONTROLLERS, a_controller()),
        (resources.POD_TEMPLATES, an_object(resources.POD_TEMPLATES, template=TEMPLATE)),
        (resources.CONTROLLER_REVISIONS, an_object(resources.CONTROLLER_REVISIONS, data={"a": 1}, revision=1)),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_good_object_has_no_errors(resource: Resource, obj: dict[str, Any]) -> None:
    assert errors_of(resource, obj) == []
    assert strategy_for(resource).validate_update(copy.deepcopy(obj), obj) == []


ROLLING = "spec.updateStrategy.rollingUpdate"


@pytest.mark.parametrize(
    ("resource", "obj", "error"),
    [
        pytest.param(
            resources.STATEFUL_SETS,
            a_set(resources.STATEFUL_SETS, "a.b"),
            'metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label must consist of',
            id="a name that is no label",
        ),
        pytest.param(
            resources.STATEFUL_SETS,
            stateful(podManagementPolicy="Some"),
            "spec.podManagementPolicy: Invalid value: \"Some\": must be 'OrderedReady' or 'Parallel'",
            id="management policy",
        ),
        pytest.param(
            resources.STATEFUL_SETS,
            stateful(updateStrategy={"type": "OnDelete", "rollingUpdate": {"partition": 1}}),
            f"{ROLLING}: Invalid value: {{\"partition\":1}}: only allowed for updateStrategy 'RollingUpdate'",
            id="a partition that nothing rolls over",
        ),
        pytest.param(
            resources.STATEFUL_SETS,
            stateful(updateStrategy={"type": "Some"}),
            "spec.updateStrategy: Invalid value: {\"type\":\"Some\"}: must be 'RollingUpdate' or 'OnDelete'",
            id="update strategy",
        ),
        pytest.param(
            resources.STATEFUL_SETS,
            stateful(updateStrategy={"rollingUpdate": {"partition": -1}}),
            f"{ROLLING}.partition: Invalid value: -1: must be greater than or equal to 0",
            id="negative partition",
        ),
        pytest.param(
            resources.STATEFUL_SETS,
            stateful(updateStrategy={"rollingUpdate": {"maxUnavailable": "0%"}}),
            f'{ROLLING}.maxUnavailable: Invalid value: "0%": cannot be 0',
            id="none at a time",
        ),
        pytest.param(
            resources.STATEFUL_SETS,
            stateful(persistentVolumeClaimRetentionPolicy={"whenScaled": "Keep"}),
            'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Keep": supported values: '
            '"Delete", "Retain"',
            id="retention of claims",
        ),
        pytest.param(
            resources.STATEFUL_SETS,
            stateful(ordinals={"start": -1}),
            "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0",
            id="negative ordinal",
        ),
        pytest.param(
            resources.STATEFUL_SETS,
            stateful(selector={}),
            "spec.selector: Invalid value: {}: empty selector is invalid for statefulset",
            id="an empty selector",
        ),
        pytest.param(
            resources.STATEFUL_SETS,
            stateful(selector={"matchLabels": {"app": "y"}}),
            'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
            id="a selector of others",
        ),
        pytest.param(
            resources.STATEFUL_SETS,
            stateful(template=template_with(restartPolicy="Never", activeDeadlineSeconds=1)),
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not "
            "Supported",
            id="pods with a deadline",
        ),
        pytest.param(
            resources.DAEMON_SETS,
            a_set(resources.DAEMON_SETS, selector={}),
            "spec.selector: Invalid value: {}: empty selector is invalid for daemonset",
            id="an empty selector of daemons",
        ),
        pytest.param(
            resources.DAEMON_SETS,
            a_set(resources.DAEMON_SETS, selector=None),
            'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
            id="no selector of daemons",
        ),
        pytest.param(
            resources.DAEMON_SETS,
            daemons(maxSurge=1),
            f"{ROLLING}.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
            id="surge and unavailability",
        ),
        pytest.param(
            resources.DAEMON_SETS,
            daemons(maxUnavailable=0),
            f"{ROLLING}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
            id="neither surge nor unavailability",
        ),
        pytest.param(
            resources.DAEMON_SETS,
            daemons(maxUnavailable="101%"),
            f'{ROLLING}.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
            id="more than all",
        ),
        pytest.param(
            resources.DAEMON_SETS,
            a_set(resources.DAEMON_SETS, updateStrategy={"type": "Some"}),
            'spec.updateStrategy: Unsupported value: {"type":"Some"}: supported values: "OnDelete", "RollingUpdate"',
            id="update strategy of daemons",
        ),
        pytest.param(
            resources.DAEMON_SETS,
            a_set(resources.DAEMON_SETS, template=template_with(restartPolicy="Never")),
            'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
            id="daemons that end",
        ),
        pytest.param(
            resources.REPLICATION_CONTROLLERS,
            a_controller(selector={"app": "y"}),
            'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
            id="a controller of others",
        ),
        pytest.param(
            resources.REPLICATION_CONTROLLERS,
            an_object(resources.REPLICATION_CONTROLLERS, spec={"selector": {"a": "b"}}),
            "spec.template: Required value",
            id="a controller without a template",
        ),
        pytest.param(
            resources.CONTROLLER_REVISIONS,
            an_object(resources.CONTROLLER_REVISIONS, revision=1),
            "data: Required value: data is mandatory",
            id="a revision without data",
        ),
        pytest.param(
            resources.POD_TEMPLATES,
            an_object(resources.POD_TEMPLATES),
            "template.spec.containers: Required value",
            id="a template without containers",
        ),
    ],
)
def test_one_error(resource: Resource, obj: dict[str, Any], error: str) -> None:
    assert any(found.startswith(error) for found in errors_of(resource, obj)), errors_of(resource, obj)


def test_a_stateful_set_keeps_its_service_and_claims() -> None:
    (error,) = strategy_for(resources.STATEFUL_SETS).validate_update(stateful(serviceName="b"), stateful())
    assert str(error).startswith("spec: Forbidden: updates to statefulset spec for fields other than 'replicas', ")
    rolled = stateful(replicas=3, minReadySeconds=1, template=template_with(hostNetwork=True))
    assert strategy_for(resources.STATEFUL_SETS).validate_update(rolled, stateful()) == []


@pytest.mark.parametrize("resource", [resources.DAEMON_SETS], ids=["daemon set"])
def test_a_selector_stays(resource: Resource) -> None:
    new = a_set(resource, selector={"matchExpressions": [{"key": "app", "operator": "Exists"}]})
    (error,) = strategy_for(resource).validate_update(new, a_set(resource))
    assert (error.field, error.message.rpartition(": ")[2]) == ("spec.selector", "field is immutable")


def test_the_data_of_a_revision_stays() -> None:
    strategy = strategy_for(resources.CONTROLLER_REVISIONS)
    old = an_object(resources.CONTROLLER_REVISIONS, data={"a": 1}, revision=1)
    assert strategy.validate_update({**old, "revision": 2}, old) == []
    assert [error.field for error in strategy.validate_update({**old, "data": {}}, old)] == ["data"]


@pytest.mark.parametrize(
    ("resource", "status", "error"),
    [
        (
            resources.STATEFUL_SETS,
            {"replicas": 1, "readyReplicas": 2},
            "status.readyReplicas: Invalid value: 2: cannot",
        ),
        (resources.STATEFUL_SETS, {"replicas": -1}, "status.replicas: Invalid value: -1: must be greater"),
        (resources.DAEMON_SETS, {"numberReady": -1}, "status.numberReady: Invalid value: -1: must be greater"),
        (resources.DAEMON_SETS, {}, "status.collisionCount: Invalid value: 0: cannot be decremented"),
        (
            resources.REPLICATION_CONTROLLERS,
            {"replicas": 2, "readyReplicas": 1, "availableReplicas": 2},
            "status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas",
        ),
    ],
    ids=["more ready than there are", "negative", "negative daemons", "fewer collisions", "more available than ready"],
)
def test_a_status_is_consistent(resource: Resource, status: dict[str, Any], error: str) -> None:
    old = an_object(resource, status={"collisionCount": 1})
    found = strategy_for(resource).validate_status_update({**old, "status": status}, old)
    assert any(str(item).startswith(error) for item in found), found
