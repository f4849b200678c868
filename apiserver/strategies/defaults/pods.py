"""Defaults of Pod, and of the pod templates that workloads carry."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import each, filled, nested, within
from apiserver.strategies.defaults.volumes import default_field_selectors, default_pull_policy, default_volume
from minikube_py.api.meta import Object

_POD_SPEC = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_CONTAINER = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
_HTTP_GET = {"path": "/", "scheme": "HTTP"}


def default(pod: Object) -> Object:
    """A Pod with every default; unlike in a template, requests follow limits and service links are on."""
    return nested(pod, "spec", _default_standalone_spec)


def default_template(template: Object) -> Object:
    """A ``PodTemplateSpec`` with its defaults."""
    return nested(template, "spec", default_pod_spec)


def default_pod_spec(spec: Object) -> Object:
    """The defaults that a pod's spec gets wherever it stands."""
    spec = filled(spec, _POD_SPEC | {"securityContext": {}})
    for key in ("containers", "initContainers", "ephemeralContainers"):
        spec = each(spec, key, _default_container)
    spec = each(spec, "volumes", default_volume)
    return synchronize_service_account(spec)


def synchronize_service_account(spec: Object) -> Object:
    """``serviceAccount`` is the old name of ``serviceAccountName``: both hold the latter's value."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if not name or spec.get("serviceAccount") == spec.get("serviceAccountName"):
        return spec
    return {**spec, "serviceAccountName": name, "serviceAccount": name}


def _default_standalone_spec(spec: Object) -> Object:
    spec = filled(default_pod_spec(spec), {"enableServiceLinks": True})
    for key in ("containers", "initContainers"):
        spec = each(spec, key, _requests_from_limits)
        if spec.get("hostNetwork"):
            spec = each(spec, key, _host_ports)
    return spec


def _default_container(container: Object) -> Object:
    policy = default_pull_policy(container.get("image") or "")
    container = filled(container, {"resources": {}, **_CONTAINER, "imagePullPolicy": policy})
    container = each(container, "ports", lambda port: filled(port, {"protocol": "TCP"}))
    container = each(container, "env", lambda env: within(env, "valueFrom", default_field_selectors))
    for key in ("livenessProbe", "readinessProbe", "startupProbe"):
        container = within(container, key, _default_probe)
    return within(container, "lifecycle", _default_lifecycle)


def _default_probe(probe: Object) -> Object:
    probe = filled(probe, _PROBE)
    probe = within(probe, "httpGet", _default_http_get)
    grpc = probe.get("grpc")
    if isinstance(grpc, dict) and grpc.get("service") is None:
        return {**probe, "grpc": {**grpc, "service": ""}}
    return probe


def _default_http_get(action: Object) -> Object:
    return filled(action, _HTTP_GET)


def _default_lifecycle(lifecycle: Object) -> Object:
    for key in ("postStart", "preStop"):
        lifecycle = within(lifecycle, key, lambda hook: within(hook, "httpGet", _default_http_get))
    return lifecycle


def _requests_from_limits(container: Object) -> Object:
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    if not limits or limits.keys() <= requests.keys():
        return container
    missing = {name: value for name, value in limits.items() if name not in requests}
    return {**container, "resources": {**resources, "requests": {**requests, **missing}}}


def _host_ports(container: Object) -> Object:
    def default_host_port(port: Object) -> Object:
        return port if port.get("hostPort") else {**port, "hostPort": port.get("containerPort")}

    return each(container, "ports", default_host_port)
