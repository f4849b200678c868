"""Validation of Ingress and IngressClass."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apiserver.validation.meta import immutable, object_meta, object_meta_update
from apiserver.validation.names import (
    dns_label,
    dns_subdomain,
    each_message,
    ip,
    parsed_ip,
    path_segment,
    port_name_messages,
    port_number,
)
from minikube_py.api import names
from minikube_py.api.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
    field_too_long,
)
from minikube_py.api.meta import Object, annotations_of

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_INVALID_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_INVALID_SUFFIXES = ("/..", "/.")
_SCOPES = ("Cluster", "Namespace")
_MAX_CONTROLLER = 250
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_WILDCARD = rf"\*\.{_SUBDOMAIN}"
_HTTP_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_DNS_NOT_IP = "must be a DNS name, not an IP address"


def ingress(obj: Object) -> Iterator[FieldError]:
    """An Ingress about to be stored."""
    yield from _ingress(obj)
    annotation, name = annotations_of(obj).get(CLASS_ANNOTATION), (obj.get("spec") or {}).get("ingressClassName")
    if annotation is not None and name is not None and annotation != name:
        detail = "must match `ingressClassName` when both are specified"
        yield field_invalid(f"annotations.{CLASS_ANNOTATION}", annotation, detail)


def ingress_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed Ingress."""
    yield from object_meta_update(new, old)
    yield from _ingress(new)


def ingress_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: addresses are addresses, host names are names."""
    yield from object_meta_update(new, old)
    balancer = (new.get("status") or {}).get("loadBalancer") or {}
    for index, point in enumerate(balancer.get("ingress") or []):
        here = f"status.loadBalancer.ingress[{index}]"
        if point.get("ip"):
            yield from ip(f"{here}.ip", point["ip"])
        if point.get("hostname"):
            yield from _host_name(f"{here}.hostname", point["hostname"])


def ingress_class(obj: Object) -> Iterator[FieldError]:
    """An IngressClass about to be stored."""
    yield from object_meta(obj, namespaced=False)
    spec = obj.get("spec") or {}
    controller, parameters = spec.get("controller") or "", spec.get("parameters")
    if not controller:
        yield field_required("spec.controller")
    else:
        if len(controller.encode()) > _MAX_CONTROLLER:
            yield field_too_long("spec.controller", _MAX_CONTROLLER)
        yield from domain_prefixed_path("spec.controller", controller)
    if parameters is not None:
        yield from _typed_reference("spec.parameters", parameters)
        yield from _scope("spec.parameters", parameters)


def ingress_class_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed IngressClass, whose controller stays."""
    yield from object_meta_update(new, old)
    controllers = ((obj.get("spec") or {}).get("controller") for obj in (new, old))
    yield from immutable("spec.controller", *controllers)
    yield from ingress_class(new)


def domain_prefixed_path(path: str, value: str) -> Iterator[FieldError]:
    """``acme.io/foo``: a DNS subdomain, a slash, and what fits into the path of a URL."""
    host, _, rest = value.partition("/")
    if not host or not rest:
        yield field_invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
        return
    yield from dns_subdomain(path, host)
    if not re.fullmatch(_HTTP_PATH, rest):
        yield field_invalid(path, rest, names.regex_error("Invalid path", _HTTP_PATH))


def _ingress(obj: Object) -> Iterator[FieldError]:
    yield from object_meta(obj, namespaced=True)
    spec = obj.get("spec") or {}
    rules, default = spec.get("rules") or [], spec.get("defaultBackend")
    if not rules and default is None:
        yield field_invalid("spec", rules, "either `defaultBackend` or `rules` must be specified")
    if default is not None:
        yield from _backend("spec.defaultBackend", default)
    for index, rule in enumerate(rules):
        yield from _rule(f"spec.rules[{index}]", rule)
    for index, item in enumerate(spec.get("tls") or []):
        here = f"spec.tls[{index}]"
        for position, host in enumerate(item.get("hosts") or []):
            yield from _rule_host(f"{here}.hosts[{position}]", host)
        if item.get("secretName"):
            yield from dns_subdomain(f"{here}.secretName", item["secretName"])
    if spec.get("ingressClassName") is not None:
        yield from dns_subdomain("spec.ingressClassName", spec["ingressClassName"])


def _rule(path: str, rule: Object) -> Iterator[FieldError]:
    host = rule.get("host") or ""
    if host:
        if parsed_ip(host) is not None:
            yield field_invalid(f"{path}.host", host, _DNS_NOT_IP)
        yield from _rule_host(f"{path}.host", host)
    http = rule.get("http")
    if http is None:
        return
    if not http.get("paths"):
        yield field_required(f"{path}.http.paths")
    for index, item in enumerate(http.get("paths") or []):
        yield from _http_path(f"{path}.http.paths[{index}]", item)


def _rule_host(path: str, host: str) -> Iterator[FieldError]:
    if "*" not in host:
        yield from dns_subdomain(path, host)
        return
    messages = [names.max_length(253)] if len(host) > 253 else []
    if not re.fullmatch(_WILDCARD, host):
        messages.append(
            names.regex_error(
                "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must "
                "consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
                _WILDCARD,
                "*.example.com",
            )
        )
    yield from each_message(path, host, messages)


def _host_name(path: str, host: str) -> Iterator[FieldError]:
    yield from dns_subdomain(path, host)
    if parsed_ip(host) is not None:
        yield field_invalid(path, host, _DNS_NOT_IP)


def _http_path(path: str, item: Object) -> Iterator[FieldError]:
    path_type, value = item.get("pathType"), item.get("path") or ""
    if path_type is None:
        yield field_required(f"{path}.pathType", "pathType must be specified")
        return
    if path_type in ("Exact", "Prefix"):
        if not value.startswith("/"):
            yield field_invalid(f"{path}.path", value, "must be an absolute path")
        for sequence in _INVALID_SEQUENCES:
            if sequence in value:
                yield field_invalid(f"{path}.path", value, f"must not contain '{sequence}'")
        for suffix in _INVALID_SUFFIXES:
            if value.endswith(suffix):
                yield field_invalid(f"{path}.path", value, f"cannot end with '{suffix}'")
    elif path_type == "ImplementationSpecific":
        if value and not value.startswith("/"):
            yield field_invalid(f"{path}.path", value, "must be an absolute path")
    else:
        yield field_not_supported(f"{path}.pathType", path_type, _PATH_TYPES)
    yield from _backend(f"{path}.backend", item.get("backend") or {})


def _backend(path: str, backend: Object) -> Iterator[FieldError]:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        yield field_invalid(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        yield from _typed_reference(f"{path}.resource", resource)
    elif service is not None:
        yield from _service_backend(path, service)
    else:
        yield field_invalid(path, "", "resource or service backend is required")


def _service_backend(path: str, service: Object) -> Iterator[FieldError]:
    name, port = service.get("name") or "", service.get("port") or {}
    if not name:
        yield field_required(f"{path}.service.name")
    else:
        yield from each_message(f"{path}.service.name", name, names.dns1035_label(name))
    if port.get("name") and port.get("number"):
        yield field_invalid(path, "", "cannot set both port name & port number")
    elif port.get("name"):
        yield from each_message(f"{path}.service.port.name", port["name"], port_name_messages(port["name"]))
    elif port.get("number"):
        yield from port_number(f"{path}.service.port.number", port["number"])
    else:
        yield field_required(path, "port name or number is required")


def _typed_reference(path: str, reference: Object) -> Iterator[FieldError]:
    if reference.get("apiGroup") is not None:
        yield from dns_subdomain(f"{path}.apiGroup", reference["apiGroup"])
    for key in ("kind", "name"):
        value = reference.get(key) or ""
        if not value:
            yield field_required(f"{path}.{key}")
        else:
            yield from each_message(f"{path}.{key}", value, path_segment(value))


def _scope(path: str, parameters: Object) -> Iterator[FieldError]:
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope is None:
        yield field_required(f"{path}.scope")
    elif scope not in _SCOPES:
        yield field_not_supported(f"{path}.scope", scope, _SCOPES)
    elif scope == "Cluster":
        if namespace is not None:
            yield field_forbidden(f"{path}.namespace", "`parameters.scope` is set to 'Cluster'")
    elif namespace is None:
        yield field_required(f"{path}.namespace", "`parameters.scope` is set to 'Namespace'")
    else:
        yield from dns_label(f"{path}.namespace", namespace)
