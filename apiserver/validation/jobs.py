"""Validation of Job and of the Jobs that a CronJob describes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apiserver.validation.job_policies import pod_failure_policy, pod_replacement_policy, success_policy
from apiserver.validation.meta import immutable, label_selector, object_meta, object_meta_update
from apiserver.validation.names import non_negative
from apiserver.validation.pods import pod_template
from apiserver.validation.workloads import matching_template
from minikube_py.api import names
from minikube_py.api.errors import FieldError, field_invalid, field_not_supported, field_required, field_too_long
from minikube_py.api.meta import Object, labels_of, name_of, uid_of
from minikube_py.api.selectors import LabelSelector

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
JOB_NAME = "batch.kubernetes.io/job-name"
LEGACY_CONTROLLER_UID = "controller-uid"
LEGACY_JOB_NAME = "job-name"

_COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_MODES = ("Indexed", "NonIndexed")
_MAX_PARALLELISM = 100_000
_MAX_FAILED_INDEXES = 100_000
_MANY_COMPLETIONS = 100_000
_LIMIT_FOR_MANY = 10_000
_MANAGED_BY_LENGTH = 63
_PATH_SEGMENTS = re.compile(r"([A-Za-z0-9/\-._~%!$&'()*+,;=:]+)")
_IMMUTABLE = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")


def job(obj: Object) -> Iterator[FieldError]:
    """A Job about to be stored, its selector and labels generated already."""
    yield from object_meta(obj, namespaced=True)
    spec = obj.get("spec") or {}
    if not spec.get("manualSelector") and spec.get("selector") is not None:
        yield from _generated_selector(obj, spec)
    yield from _spec_with_selector(spec)
    completions = spec.get("completions") or 0
    if spec.get("completionMode") == "Indexed" and completions > 0:
        hostname = f"{name_of(obj)}-{completions - 1}"
        if names.dns1123_label(hostname):
            detail = f"will not able to create pod with invalid DNS label: {hostname}"
            yield field_invalid("metadata.name", name_of(obj), detail)


def job_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed Job: what its pods are and how they are found stays, but while it is suspended before its start."""
    yield from object_meta_update(new, old)
    yield from job(new)
    spec, old_spec = new.get("spec") or {}, old.get("spec") or {}
    yield from _completions_update(spec, old_spec)
    yield from immutable("spec.selector", spec.get("selector"), old_spec.get("selector"))
    template, old_template = spec.get("template") or {}, old_spec.get("template") or {}
    if old_spec.get("suspend") and not (old.get("status") or {}).get("startTime"):
        old_template = _with_scheduling_of(old_template, template)
    yield from immutable("spec.template", template, old_template)
    for key in _IMMUTABLE:
        yield from immutable(f"spec.{key}", spec.get(key), old_spec.get(key))


def job_template(path: str, template: Object) -> Iterator[FieldError]:
    """The Job that a CronJob describes, whose selector is always generated."""
    spec = template.get("spec") or {}
    yield from job_spec(f"{path}.spec", spec)
    if spec.get("selector") is not None:
        yield field_invalid(f"{path}.spec.selector", spec["selector"], "`selector` will be auto-generated")
    if spec.get("manualSelector"):
        yield field_not_supported(f"{path}.spec.manualSelector", True, ("nil", "false"))


def job_spec(path: str, spec: Object) -> Iterator[FieldError]:
    """Everything of a Job's spec but its selector."""
    for key in _COUNTS:
        yield from non_negative(f"{path}.{key}", spec.get(key))
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        yield field_required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if spec.get("managedBy") is not None:
        yield from _managed_by(f"{path}.managedBy", spec["managedBy"])
    mode = spec.get("completionMode")
    if mode is not None and mode not in _MODES:
        yield field_not_supported(f"{path}.completionMode", mode, _MODES)
    if mode == "Indexed":
        yield from _indexed(path, spec)
    elif mode in (None, "NonIndexed"):
        for key in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(key) is not None:
                yield field_invalid(f"{path}.{key}", spec[key], "requires indexed completion mode")
    if spec.get("podFailurePolicy") is not None:
        yield from pod_failure_policy(f"{path}.podFailurePolicy", spec)
    if spec.get("successPolicy") is not None:
        if mode == "Indexed":
            yield from success_policy(f"{path}.successPolicy", spec)
        else:
            yield field_invalid(f"{path}.successPolicy", spec["successPolicy"], "requires indexed completion mode")
    yield from pod_replacement_policy(f"{path}.podReplacementPolicy", spec)
    yield from pod_template(f"{path}.template", spec.get("template") or {})
    yield from _restart_policy(f"{path}.template.spec.restartPolicy", spec)


def _spec_with_selector(spec: Object) -> Iterator[FieldError]:
    yield from job_spec("spec", spec)
    selector = spec.get("selector")
    if selector is None:
        yield field_required("spec.selector")
    errors = list(label_selector("spec.selector", selector))
    yield from errors
    if not errors:
        yield from matching_template("spec.template", spec.get("template") or {}, selector)


def _generated_selector(obj: Object, spec: Object) -> Iterator[FieldError]:
    expected = {
        LEGACY_CONTROLLER_UID: uid_of(obj),
        LEGACY_JOB_NAME: name_of(obj),
        CONTROLLER_UID: uid_of(obj),
        JOB_NAME: name_of(obj),
    }
    labels = labels_of(spec.get("template") or {})
    if not uid_of(obj):
        yield field_required("metadata.uid")
    for key, value in expected.items():
        path = f"spec.template.metadata.labels[{key}]"
        if key not in labels:
            yield field_required(path, f"must be '{value}'")
        elif labels[key] != value:
            yield field_invalid(path, labels, f"must be '{value}'")
    is_sound = not any(label_selector("spec.selector", spec["selector"]))
    if is_sound and not LabelSelector.from_object(spec["selector"]).matches(expected):
        yield field_invalid("spec.selector", spec["selector"], "`selector` not auto-generated")


def _managed_by(path: str, value: str) -> Iterator[FieldError]:
    domain, slash, rest = value.partition("/")
    if not value:
        yield field_required(path)
    elif not slash or not domain or not rest:
        yield field_invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        for message in names.dns1123_subdomain(domain):
            yield field_invalid(path, domain, message)
        if not _PATH_SEGMENTS.fullmatch(rest):
            yield field_invalid(path, rest, f"Invalid path (regex used for validation is '{_PATH_SEGMENTS.pattern}')")
    if len(value) > _MANAGED_BY_LENGTH:
        yield field_too_long(path, _MANAGED_BY_LENGTH)


def _indexed(path: str, spec: Object) -> Iterator[FieldError]:
    completions, parallelism = spec.get("completions"), spec.get("parallelism") or 0
    failed, by_index = spec.get("maxFailedIndexes"), spec.get("backoffLimitPerIndex") is not None
    if completions is None:
        yield field_required(f"{path}.completions", "when completion mode is Indexed")
    if parallelism > _MAX_PARALLELISM:
        detail = f"must be less than or equal to {_MAX_PARALLELISM} when completion mode is Indexed"
        yield field_invalid(f"{path}.parallelism", parallelism, detail)
    if failed is not None and completions is not None and failed > completions:
        yield field_invalid(f"{path}.maxFailedIndexes", failed, "must be less than or equal to completions")
    if failed is not None and failed > _MAX_FAILED_INDEXES:
        detail = f"must be less than or equal to {_MAX_FAILED_INDEXES}"
        yield field_invalid(f"{path}.maxFailedIndexes", failed, detail)
    if completions is None or completions <= _MANY_COMPLETIONS or not by_index:
        return
    if failed is None:
        detail = f"must be specified when completions is above {_MANY_COMPLETIONS}"
        yield field_required(f"{path}.maxFailedIndexes", detail)
    detail = (
        f"must be less than or equal to {_LIMIT_FOR_MANY} when completions are above {_MANY_COMPLETIONS} and used "
        "with backoff limit per index"
    )
    if parallelism > _LIMIT_FOR_MANY:
        yield field_invalid(f"{path}.parallelism", parallelism, detail)
    if failed is not None and failed > _LIMIT_FOR_MANY:
        yield field_invalid(f"{path}.maxFailedIndexes", failed, detail)


def _restart_policy(path: str, spec: Object) -> Iterator[FieldError]:
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy") or ""
    if policy in ("", "Always"):
        yield field_required(path, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        yield field_not_supported(path, policy, ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") is not None and policy != "Never":
        yield field_invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')


def _completions_update(spec: Object, old_spec: Object) -> Iterator[FieldError]:
    completions = spec.get("completions")
    if spec.get("completionMode") != "Indexed":
        yield from immutable("spec.completions", completions, old_spec.get("completions"))
    elif completions not in (None, old_spec.get("completions"), spec.get("parallelism")):
        detail = "can only be modified in tandem with spec.parallelism"
        yield field_invalid("spec.completions", completions, detail)


def _with_scheduling_of(old: Object, new: Object) -> Object:
    """The old template with those fields of the new one that may change before the Job's first start."""
    spec, old_spec = new.get("spec") or {}, old.get("spec") or {}
    affinity, old_affinity = spec.get("affinity"), dict(old_spec.get("affinity") or {})
    old_affinity.pop("nodeAffinity", None)
    if affinity and affinity.get("nodeAffinity") is not None:
        old_affinity["nodeAffinity"] = affinity["nodeAffinity"]
    taken = {"nodeSelector", "tolerations", "schedulingGates"}
    merged = {key: value for key, value in old_spec.items() if key not in taken | {"affinity"}}
    merged |= {key: spec[key] for key in taken & spec.keys()}
    if old_affinity or affinity is not None:
        merged["affinity"] = old_affinity
    meta = {key: value for key, value in (old.get("metadata") or {}).items() if key not in ("labels", "annotations")}
    new_meta = new.get("metadata") or {}
    meta |= {key: new_meta[key] for key in ("labels", "annotations") if key in new_meta}
    result = {**old, "spec": merged}
    if meta or "metadata" in new:
        result["metadata"] = meta
    return result
