"""Defaults of Job and CronJob."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import each, filled, nested, within
from apiserver.strategies.defaults.pods import default_template
from minikube_py.api.meta import Object, labels_of, metadata

_BACKOFF_LIMIT = 6
_UNLIMITED_BACKOFF = 2**31 - 1
_CRON_JOB = {
    "concurrencyPolicy": "Allow",
    "suspend": False,
    "successfulJobsHistoryLimit": 3,
    "failedJobsHistoryLimit": 1,
}


def default_job(job: Object) -> Object:
    """A Job with every default; without labels of its own it has those of its pod template."""
    spec = job.get("spec") or {}
    template_labels = labels_of(spec.get("template") or {})
    if template_labels and not labels_of(job):
        job = {**job, "metadata": {**metadata(job), "labels": template_labels}}
    return {**job, "spec": _default_job_spec(spec)}


def default_cron_job(cron_job: Object) -> Object:
    """A CronJob with every default. Of the Job it describes only the pod template is defaulted."""
    return nested(cron_job, "spec", _default_cron_job_spec)


def _default_job_spec(spec: Object) -> Object:
    by_index = spec.get("backoffLimitPerIndex") is not None
    defaults = {
        "parallelism": 1,
        "backoffLimit": _UNLIMITED_BACKOFF if by_index else _BACKOFF_LIMIT,
        "completionMode": "NonIndexed",
        "suspend": False,
        "manualSelector": False,
        "podReplacementPolicy": "Failed" if spec.get("podFailurePolicy") is not None else "TerminatingOrFailed",
    }
    if spec.get("completions") is None and spec.get("parallelism") is None:
        defaults["completions"] = 1
    spec = _default_failure_policy(filled(spec, defaults))
    return nested(spec, "template", default_template)


def _default_failure_policy(spec: Object) -> Object:
    def default_pattern(pattern: Object) -> Object:
        return filled(pattern, {"status": "True"})

    def default_rule(rule: Object) -> Object:
        return each(rule, "onPodConditions", default_pattern)

    return within(spec, "podFailurePolicy", lambda policy: each(policy, "rules", default_rule))


def _default_cron_job_spec(spec: Object) -> Object:
    def default_nested(job_spec: Object) -> Object:
        return nested(_default_failure_policy(job_spec), "template", default_template)

    return nested(filled(spec, _CRON_JOB), "jobTemplate", lambda template: nested(template, "spec", default_nested))
