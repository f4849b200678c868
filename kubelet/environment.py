"""The environment of a container. Pure: everything referenced is handed in.

Follows upstream's ``makeEnvironmentVariables``: service variables first, then ``envFrom`` in order, then
``env`` in order, each later name winning; ``$(VAR)`` sees what was defined before it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kubelet.expansion import expand
from kubelet.field_path import PodAddresses, UnsupportedField, pod_field, resource_field
from minikube_py.api.meta import Object, key_of, name_of, namespace_of

KUBERNETES_SERVICE = ("default", "kubernetes")


class ConfigurationError(Exception):
    """A container cannot be configured as its spec asks; shown as ``CreateContainerConfigError``."""


@dataclass(frozen=True, slots=True)
class References:
    """Names of the objects that a pod's environment reads in its own namespace."""

    config_maps: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sources:
    """What the environment is made from. A name that is missing from the mappings does not exist."""

    config_maps: Mapping[str, Object] = field(default_factory=dict)
    secrets: Mapping[str, Object] = field(default_factory=dict)
    service_variables: Mapping[str, str] = field(default_factory=dict)
    addresses: PodAddresses = field(default_factory=PodAddresses)
    allocatable: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables, in order, and what was skipped: (source, sorted names), one per ``envFrom`` source."""

    variables: Mapping[str, str]
    skipped: tuple[tuple[str, tuple[str, ...]], ...] = ()


def references(containers: Iterable[Object]) -> References:
    """Every ConfigMap and Secret that ``env`` and ``envFrom`` of these containers name."""
    config_maps: set[str] = set()
    secrets: set[str] = set()
    for container in containers:
        for source in container.get("envFrom") or []:
            if "configMapRef" in source:
                config_maps.add(source["configMapRef"].get("name", ""))
            elif "secretRef" in source:
                secrets.add(source["secretRef"].get("name", ""))
        for variable in container.get("env") or []:
            value_from = variable.get("valueFrom") or {}
            if "configMapKeyRef" in value_from:
                config_maps.add(value_from["configMapKeyRef"].get("name", ""))
            elif "secretKeyRef" in value_from:
                secrets.add(value_from["secretKeyRef"].get("name", ""))
    return References(frozenset(config_maps), frozenset(secrets))


def environment(pod: Object, container: Object, sources: Sources) -> Environment:
    """The container's variables. Raises ConfigurationError."""
    values: dict[str, str] = {}
    skipped: list[tuple[str, tuple[str, ...]]] = []
    for source in container.get("envFrom") or []:
        found, description = _env_from(pod, source, sources)
        prefix = source.get("prefix", "")
        invalid: list[str] = []
        for name, value in found.items():
            if _valid_name(prefix + name):
                values[prefix + name] = value
            else:
                invalid.append(prefix + name)
        if invalid:
            skipped.append((description, tuple(sorted(invalid))))
    service_variables = dict(sources.service_variables)
    result: dict[str, str] = {}
    for variable in container.get("env") or []:
        name = variable["name"]
        value = variable.get("value") or ""
        value_from = variable.get("valueFrom")
        if value:
            value = expand(value, {**service_variables, **values, **result})
        elif value_from:
            found_value = _value_from(pod, container, value_from, sources)
            if found_value is None:
                continue
            value = found_value
        result[name] = value
    variables = {**values, **result}
    for name, value in service_variables.items():
        variables.setdefault(name, value)
    return Environment(variables, tuple(skipped))


def _env_from(pod: Object, source: Object, sources: Sources) -> tuple[dict[str, str], str]:
    if "configMapRef" in source:
        reference = source["configMapRef"]
        found = _object(pod, reference, sources.config_maps, "configmap")
        data = dict((found or {}).get("data") or {})
        return data, f"{_namespaced(pod, reference)} of type ConfigMap"
    if "secretRef" in source:
        reference = source["secretRef"]
        found = _object(pod, reference, sources.secrets, "secret")
        data = {key: _decoded(value) for key, value in ((found or {}).get("data") or {}).items()}
        return data, f"{_namespaced(pod, reference)} of type Secret"
    return {}, ""


def _namespaced(pod: Object, reference: Object) -> str:
    return f"{namespace_of(pod)}/{reference.get('name', '')}"


def _object(pod: Object, reference: Object, objects: Mapping[str, Object], kind: str) -> Object | None:
    name = reference.get("name", "")
    found = objects.get(name)
    if found is None and not reference.get("optional"):
        raise ConfigurationError(f'{kind} "{name}" not found')
    return found


def _value_from(pod: Object, container: Object, value_from: Object, sources: Sources) -> str | None:
    """The value, or None where an optional reference leads nowhere."""
    try:
        if "fieldRef" in value_from:
            return pod_field(pod, value_from["fieldRef"]["fieldPath"], sources.addresses)
        if "resourceFieldRef" in value_from:
            reference = value_from["resourceFieldRef"]
            return resource_field(
                _named_container(pod, reference.get("containerName", "")) or container,
                reference["resource"],
                str(reference.get("divisor", "")),
                sources.allocatable,
            )
    except UnsupportedField as error:
        raise ConfigurationError(str(error)) from error
    if "configMapKeyRef" in value_from:
        reference = value_from["configMapKeyRef"]
        found = _object(pod, reference, sources.config_maps, "configmap")
        value = ((found or {}).get("data") or {}).get(reference["key"])
        return _keyed(pod, reference, found, value, "ConfigMap")
    if "secretKeyRef" in value_from:
        reference = value_from["secretKeyRef"]
        found = _object(pod, reference, sources.secrets, "secret")
        value = ((found or {}).get("data") or {}).get(reference["key"])
        return _keyed(pod, reference, found, None if value is None else _decoded(value), "Secret")
    raise ConfigurationError(f"unsupported env source {', '.join(sorted(value_from))}")


def _keyed(pod: Object, reference: Object, found: Object | None, value: str | None, kind: str) -> str | None:
    if value is None and found is not None and not reference.get("optional"):
        raise ConfigurationError(f"couldn't find key {reference['key']} in {kind} {_namespaced(pod, reference)}")
    return value


def _named_container(pod: Object, name: str) -> Object | None:
    spec = pod["spec"]
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return next((c for c in containers if c["name"] == name), None)


def _decoded(value: str) -> str:
    return base64.b64decode(value).decode("utf-8", errors="replace")


def _valid_name(name: str) -> bool:
    """Upstream's relaxed rule: printable ASCII without ``=``."""
    return bool(name) and all(" " <= character <= "~" and character != "=" for character in name)


def service_variables(services: Iterable[Object], namespace: str, *, enable_service_links: bool) -> dict[str, str]:
    """Docker-link style variables of the Services that a pod in ``namespace`` sees, as upstream's ``envvars``.

    The ``kubernetes`` Service of the default namespace is always among them; the namespace's own Services only with
    ``enableServiceLinks``, and they win.
    """
    chosen: dict[str, Object] = {}
    for service in services:
        key = (namespace_of(service), name_of(service))
        if (service.get("spec") or {}).get("clusterIP") in (None, "", "None"):
            continue
        if (key == KUBERNETES_SERVICE and name_of(service) not in chosen) or (
            enable_service_links and key[0] == namespace
        ):
            chosen[key[1]] = service
    variables: dict[str, str] = {}
    for service in sorted(chosen.values(), key=key_of):
        variables.update(_link_variables(service))
    return variables


def _link_variables(service: Object) -> dict[str, str]:
    spec = service["spec"]
    address = spec["clusterIP"]
    prefix = name_of(service).upper().replace("-", "_").replace(".", "_")
    ports = spec.get("ports") or []
    variables = {f"{prefix}_SERVICE_HOST": address}
    if not ports:
        return variables
    variables[f"{prefix}_SERVICE_PORT"] = str(ports[0]["port"])
    for port in ports:
        if port.get("name"):
            suffix = port["name"].upper().replace("-", "_")
            variables[f"{prefix}_SERVICE_PORT_{suffix}"] = str(port["port"])
    host = f"[{address}]" if ":" in address else address
    for index, port in enumerate(ports):
        protocol = port.get("protocol") or "TCP"
        url = f"{protocol.lower()}://{host}:{port['port']}"
        if index == 0:
            variables[f"{prefix}_PORT"] = url
        port_prefix = f"{prefix}_PORT_{port['port']}_{protocol.upper()}"
        variables[port_prefix] = url
        variables[f"{port_prefix}_PROTO"] = protocol.lower()
        variables[f"{port_prefix}_PORT"] = str(port["port"])
        variables[f"{port_prefix}_ADDR"] = address
    return variables
