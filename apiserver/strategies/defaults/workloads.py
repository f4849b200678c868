"""Defaults of the kinds that keep pods running: Deployment, ReplicaSet, StatefulSet, DaemonSet and the older ones."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import each, filled, nested, within
from apiserver.strategies.defaults.pods import default_template
from minikube_py.api.meta import Object, labels_of, metadata

_QUARTER = {"maxUnavailable": "25%", "maxSurge": "25%"}
_ONE_AT_A_TIME = {"maxUnavailable": 1, "maxSurge": 0}
_RETAIN = {"whenDeleted": "Retain", "whenScaled": "Retain"}
_CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}
_FILESYSTEM = {"volumeMode": "Filesystem"}


def default_deployment(deployment: Object) -> Object:
    """A Deployment with every default."""
    return nested(deployment, "spec", _default_deployment_spec)


def default_replica_set(replica_set: Object) -> Object:
    """A ReplicaSet with every default."""
    return nested(replica_set, "spec", lambda spec: nested(filled(spec, {"replicas": 1}), "template", default_template))


def default_stateful_set(stateful_set: Object) -> Object:
    """A StatefulSet with every default."""
    return nested(stateful_set, "spec", _default_stateful_set_spec)


def default_daemon_set(daemon_set: Object) -> Object:
    """A DaemonSet with every default."""
    return nested(daemon_set, "spec", _default_daemon_set_spec)


def default_replication_controller(controller: Object) -> Object:
    """A ReplicationController with every default; selector and labels are those of its template."""
    spec = controller.get("spec") or {}
    template_labels = labels_of(spec.get("template") or {})
    if template_labels and not spec.get("selector"):
        spec = {**spec, "selector": template_labels}
    if template_labels and not labels_of(controller):
        controller = {**controller, "metadata": {**metadata(controller), "labels": template_labels}}
    return {**controller, "spec": within(filled(spec, {"replicas": 1}), "template", default_template)}


def default_pod_template(pod_template: Object) -> Object:
    """A PodTemplate with every default."""
    return nested(pod_template, "template", default_template)


def _default_deployment_spec(spec: Object) -> Object:
    spec = filled(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    spec = nested(spec, "strategy", _default_strategy)
    return nested(spec, "template", default_template)


def _default_strategy(strategy: Object) -> Object:
    strategy = filled(strategy, {"type": "RollingUpdate"})
    if strategy["type"] != "RollingUpdate":
        return strategy
    return nested(strategy, "rollingUpdate", lambda update: filled(update, _QUARTER))


def _default_stateful_set_spec(spec: Object) -> Object:
    spec = filled(
        spec,
        {
            "podManagementPolicy": "OrderedReady",
            "replicas": 1,
            "revisionHistoryLimit": 10,
        },
    )
    spec = nested(spec, "persistentVolumeClaimRetentionPolicy", lambda policy: filled(policy, _RETAIN))
    spec = nested(spec, "updateStrategy", _default_partition)
    spec = each(spec, "volumeClaimTemplates", _default_claim)
    return nested(spec, "template", default_template)


def _default_partition(strategy: Object) -> Object:
    strategy = filled(strategy, {"type": "RollingUpdate"})
    if strategy["type"] != "RollingUpdate":
        return strategy
    return nested(strategy, "rollingUpdate", lambda update: filled(update, {"partition": 0}))


def _default_claim(claim: Object) -> Object:
    return nested(filled(claim, _CLAIM), "spec", lambda spec: filled(spec, _FILESYSTEM))


def _default_daemon_set_spec(spec: Object) -> Object:
    spec = filled(spec, {"revisionHistoryLimit": 10})
    spec = nested(spec, "updateStrategy", _default_daemon_set_strategy)
    return nested(spec, "template", default_template)


def _default_daemon_set_strategy(strategy: Object) -> Object:
    strategy = filled(strategy, {"type": "RollingUpdate"})
    if strategy["type"] != "RollingUpdate":
        return strategy
    return nested(strategy, "rollingUpdate", lambda update: filled(update, _ONE_AT_A_TIME))
