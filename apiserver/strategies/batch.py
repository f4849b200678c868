"""The strategies of Job and CronJob."""

from __future__ import annotations

from typing import ClassVar

from apiserver.strategies.base import StrategyContext
from apiserver.strategies.defaults import batch as defaults
from apiserver.strategies.ruled import Rules, StatusWithMetadata
from apiserver.validation import cron_jobs, job_status, jobs, warnings
from minikube_py.api.meta import Object, labels_of, metadata, name_of, uid_of

_MANY_COMPLETIONS = 100_000
_MUCH_PARALLELISM = 10_000


class JobStrategy(StatusWithMetadata):
    """A Job, which is given a selector of its own unless it brings one and says so."""

    orphans_dependents: ClassVar[bool] = True
    orphan_warning: ClassVar[str] = (
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or "
        "set propagationPolicy=Orphan to suppress this warning"
    )
    rules: ClassVar[Rules] = Rules(
        jobs.job, jobs.job_update, job_status.job_status_update, default=defaults.default_job
    )

    def prepare_for_create(self, obj: Object, ctx: StrategyContext) -> Object:
        """The generated selector and labels, and an empty status."""
        prepared = {**super().prepare_for_create(obj, ctx), "status": {}}
        spec = obj.get("spec") or {}
        return prepared if spec.get("manualSelector") else with_generated_selector(prepared)

    def warnings(self, obj: Object) -> list[str]:
        """The warnings about its name, its size and its pods."""
        return [*warnings.name_in_pod_names(obj), *_job_warnings("spec", obj.get("spec") or {})]


class CronJobStrategy(StatusWithMetadata):
    """A CronJob, whose status starts empty."""

    rules: ClassVar[Rules] = Rules(cron_jobs.cron_job, cron_jobs.cron_job_update, default=defaults.default_cron_job)
    initial_status: ClassVar[Object | None] = {}

    def warnings(self, obj: Object) -> list[str]:
        """The warnings about its name, its schedule, and the pods of its Jobs."""
        spec = obj.get("spec") or {}
        job_spec = (spec.get("jobTemplate") or {}).get("spec") or {}
        found = [*warnings.name_in_pod_names(obj), *_job_warnings("spec.jobTemplate.spec", job_spec)]
        if "TZ" in (spec.get("schedule") or ""):
            found.append(
                "CRON_TZ or TZ used in spec.spec.schedule is not officially supported, see "
                "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
            )
        return found


def with_generated_selector(job: Object) -> Object:
    """A Job whose pods are marked with its uid and name, and which selects them by its uid.

    What the client wrote under these keys stays, for validation to refuse. A Job that had the labels of its template
    keeps having them.
    """
    spec = job.get("spec") or {}
    template = spec.get("template") or {}
    given = labels_of(template)
    labels = {
        jobs.JOB_NAME: name_of(job),
        jobs.LEGACY_JOB_NAME: name_of(job),
        jobs.CONTROLLER_UID: uid_of(job),
        jobs.LEGACY_CONTROLLER_UID: uid_of(job),
        **given,
    }
    selector = spec.get("selector") or {}
    matched = {jobs.CONTROLLER_UID: uid_of(job), **(selector.get("matchLabels") or {})}
    meta = metadata(job)
    if labels_of(job) == given:
        meta = {**meta, "labels": labels}
    template = {**template, "metadata": {**(template.get("metadata") or {}), "labels": labels}}
    spec = {**spec, "selector": {**selector, "matchLabels": matched}, "template": template}
    return {**job, "metadata": meta, "spec": spec}


def _job_warnings(path: str, spec: Object) -> list[str]:
    found = list(warnings.pod_template(f"{path}.template", spec.get("template") or {}))
    many = (spec.get("completions") or 0) > _MANY_COMPLETIONS and (spec.get("parallelism") or 0) > _MUCH_PARALLELISM
    if spec.get("completionMode") == "Indexed" and many:
        found.append(
            f"{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than "
            "10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
        )
    return found
