"""Metrics of an autoscaler between ``autoscaling/v2`` and the flat form that version 1 keeps in annotations."""

from __future__ import annotations

from minikube_py.api.meta import Object

_SOURCES = {
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "External": "external",
}
_RESOURCES = ("resource", "containerResource")


def spec_to_v1(metric: Object) -> Object:
    """A metric to reach, as version 1 writes it."""
    name, source = _source(metric)
    target = source.get("target") or {}
    flat = _identity_to_v1(name, source)
    if name in _RESOURCES:
        flat |= _present(
            targetAverageUtilization=target.get("averageUtilization"), targetAverageValue=target.get("averageValue")
        )
    elif name == "pods":
        flat["targetAverageValue"] = target.get("averageValue") or "0"
    elif name == "object":
        flat |= {"targetValue": target.get("value") or "0", **_present(averageValue=target.get("averageValue"))}
    else:
        flat |= _present(targetValue=target.get("value"), targetAverageValue=target.get("averageValue"))
    return {"type": metric.get("type", ""), name: flat} if name else dict(metric)


def spec_to_v2(metric: Object) -> Object:
    """A metric to reach, read from version 1's form."""
    name, source = _source(metric)
    if not name:
        return dict(metric)
    average = source.get("averageValue" if name == "object" else "targetAverageValue")
    if name in _RESOURCES:
        utilization = source.get("targetAverageUtilization")
        kind = "AverageValue" if utilization is None else "Utilization"
        target = {"type": kind, **_present(averageUtilization=utilization, averageValue=average)}
    elif name == "pods" or average is not None:
        target = {"type": "AverageValue", **_present(averageValue=average)}
    else:
        target = {"type": "Value", **_present(value=source.get("targetValue"))}
    return {"type": metric.get("type", ""), name: {**_identity_to_v2(name, source), "target": target}}


def status_to_v1(metric: Object) -> Object:
    """A metric's current value, as version 1 writes it."""
    name, source = _source(metric)
    if not name:
        return dict(metric)
    current = source.get("current") or {}
    flat = _identity_to_v1(name, source)
    if name in _RESOURCES:
        flat |= _present(currentAverageUtilization=current.get("averageUtilization"))
        flat["currentAverageValue"] = current.get("averageValue") or "0"
    elif name == "pods":
        flat["currentAverageValue"] = current.get("averageValue") or "0"
    elif name == "object":
        flat |= {"currentValue": current.get("value") or "0", **_present(averageValue=current.get("averageValue"))}
    else:
        flat |= {
            "currentValue": current.get("value") or "0",
            **_present(currentAverageValue=current.get("averageValue")),
        }
    return {"type": metric.get("type", ""), name: flat}


def status_to_v2(metric: Object) -> Object:
    """A metric's current value, read from version 1's form."""
    name, source = _source(metric)
    if not name:
        return dict(metric)
    current = _present(
        averageUtilization=source.get("currentAverageUtilization"),
        averageValue=source.get("averageValue" if name == "object" else "currentAverageValue"),
        value=source.get("currentValue"),
    )
    return {"type": metric.get("type", ""), name: {**_identity_to_v2(name, source), "current": current}}


def _source(metric: Object) -> tuple[str, Object]:
    name = _SOURCES.get(metric.get("type", ""), "")
    return name, metric.get(name) or {}


def _identity_to_v1(name: str, source: Object) -> Object:
    """What a source measures: a resource by its name, anything else by the metric's name and selector."""
    if name in _RESOURCES:
        return _present(name=source.get("name"), container=source.get("container"))
    metric = source.get("metric") or {}
    selector = "metricSelector" if name == "external" else "selector"
    target = {"target": source["describedObject"]} if source.get("describedObject") else {}
    return {**target, "metricName": metric.get("name", ""), **_present(**{selector: metric.get("selector")})}


def _identity_to_v2(name: str, source: Object) -> Object:
    if name in _RESOURCES:
        return _present(name=source.get("name"), container=source.get("container"))
    selector = source.get("metricSelector" if name == "external" else "selector")
    described = {"describedObject": source["target"]} if source.get("target") else {}
    return {**described, "metric": {"name": source.get("metricName", ""), **_present(selector=selector)}}


def _present(**values: object) -> Object:
    return {key: value for key, value in values.items() if value is not None}
