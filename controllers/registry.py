"""Which controllers there are, by upstream's names; each is imported only if it runs."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass

from controllers.context import ControllerContext


@dataclass(frozen=True, slots=True)
class Entry:
    """A controller's name, and the module and class that build it from a :class:`ControllerContext`."""

    name: str
    module: str
    builder: str


CONTROLLERS: tuple[Entry, ...] = (
    Entry("serviceaccount-controller", "controllers.service_account", "ServiceAccountController"),
    Entry("root-ca-certificate-publisher-controller", "controllers.root_ca_publisher", "RootCaPublisher"),
    Entry("node-ipam-controller", "controllers.node_ipam.controller", "NodeIpamController"),
    Entry("node-lifecycle-controller", "controllers.node_lifecycle.controller", "NodeLifecycleController"),
    Entry("taint-eviction-controller", "controllers.taint_eviction.controller", "TaintEvictionController"),
    Entry("service-lb-controller", "controllers.service_load_balancer.controller", "ServiceLoadBalancerController"),
    Entry("pod-garbage-collector-controller", "controllers.pod_gc.controller", "PodGarbageCollectorController"),
    Entry("deployment-controller", "controllers.deployment.controller", "DeploymentController"),
    Entry("replicaset-controller", "controllers.replica_set.controller", "ReplicaSetController"),
    Entry(
        "replicationcontroller-controller",
        "controllers.replica_set.controller",
        "ReplicationControllerController",
    ),
    Entry("daemonset-controller", "controllers.daemon_set.controller", "DaemonSetController"),
    Entry("statefulset-controller", "controllers.stateful_set.controller", "StatefulSetController"),
    Entry("job-controller", "controllers.job.controller", "JobController"),
    Entry("cronjob-controller", "controllers.cron_job.controller", "CronJobController"),
    Entry("ttl-after-finished-controller", "controllers.ttl_after_finished", "TtlAfterFinishedController"),
    Entry("endpointslice-controller", "controllers.endpoint_slice.controller", "EndpointSliceController"),
    Entry("endpoints-controller", "controllers.endpoints.controller", "EndpointsController"),
    Entry(
        "endpointslice-mirroring-controller",
        "controllers.endpoint_slice_mirroring.controller",
        "EndpointSliceMirroringController",
    ),
    Entry("disruption-controller", "controllers.disruption.controller", "DisruptionController"),
    Entry("persistentvolumeclaim-protection-controller", "controllers.storage_protection", "ClaimProtection"),
    Entry("persistentvolume-protection-controller", "controllers.storage_protection", "VolumeProtection"),
    Entry(
        "certificatesigningrequest-approving-controller", "controllers.certificates.controller", "ApprovingController"
    ),
    Entry("certificatesigningrequest-signing-controller", "controllers.certificates.controller", "SigningController"),
    Entry("certificatesigningrequest-cleaner-controller", "controllers.certificates.controller", "CleanerController"),
    Entry("token-cleaner-controller", "controllers.bootstrap_tokens", "TokenCleaner"),
    Entry("bootstrap-signer-controller", "controllers.bootstrap_signer", "BootstrapSigner"),
    Entry("clusterrole-aggregation-controller", "controllers.cluster_role_aggregation", "ClusterRoleAggregation"),
    # The last three watch every kind: those that others have asked for whole must have been asked for before.
    Entry("resourcequota-controller", "controllers.resource_quota.controller", "ResourceQuotaController"),
    Entry("garbage-collector-controller", "controllers.garbage_collector.controller", "GarbageCollector"),
    Entry("namespace-controller", "controllers.namespace.controller", "NamespaceController"),
)


class UnknownController(ValueError):
    """The settings name a controller that there is none of."""


def selected(wanted: Iterable[str]) -> list[Entry]:
    """The controllers to run: ``*`` is all, ``name`` one, ``-name`` all but that one. Raises UnknownController."""
    names = list(wanted)
    known = {entry.name for entry in CONTROLLERS}
    for name in names:
        if name != "*" and name.removeprefix("-") not in known:
            raise UnknownController(f'"{name}" is not in the list of known controllers: {", ".join(sorted(known))}')
    return [entry for entry in CONTROLLERS if f"-{entry.name}" not in names and (entry.name in names or "*" in names)]


def load(wanted: Iterable[str]) -> None:
    """Imports the selected controllers, which :func:`build` then need not wait for. Raises UnknownController."""
    for entry in selected(wanted):
        importlib.import_module(entry.module)


def build(context: ControllerContext) -> None:
    """Builds every controller that the settings select."""
    for entry in selected(context.settings.controllers):
        context.build(getattr(importlib.import_module(entry.module), entry.builder))
