"""Which fields Go's API types drop when they are zero.

A Go field that is no pointer and is marked ``omitempty`` cannot tell zero from absent: upstream drops ``hostNetwork:
false`` and defaults ``timeoutSeconds: 0``, but keeps ``replicas: 0``, whose field is a pointer. The published schemas
do not say which fields are pointers; this table does. It holds for optional fields only: a required one is always kept.
"""

from __future__ import annotations

_DROPPED = frozenset(
    """
    active authenticated availableReplicas chapAuthDiscovery chapAuthSession code count currentHealthy currentReplicas
    denied deprecatedCount desiredHealthy disruptionsAllowed expectedPods failed failureThreshold fullyLabeledReplicas
    generation globalDefault healthCheckNodePort hostIPC hostNetwork hostPID hostPort initialDelaySeconds
    minReadySeconds nodePort number numberAvailable numberUnavailable observedGeneration partition paused periodSeconds
    publishNotReadyAddresses readOnly readyReplicas retryAfterSeconds signal sizeBytes sslEnabled stdin stdinOnce
    succeeded successThreshold timeoutSeconds tty unavailableReplicas unschedulable updatedNumberScheduled
    updatedReplicas
    """.split()  # noqa: SIM905
)
"""Numbers and booleans that are dropped wherever they occur, with the exceptions below."""

_EXCEPTIONS = {
    "AzureDiskVolumeSource": {"readOnly"},
    "CSIVolumeSource": {"readOnly"},
    "ClientIPConfig": {"timeoutSeconds"},
    "HorizontalPodAutoscalerStatus": {"observedGeneration"},
    "MutatingWebhook": {"timeoutSeconds"},
    "RollingUpdateStatefulSetStrategy": {"partition"},
    "ValidatingWebhook": {"timeoutSeconds"},
    "VolumeNodeResources": {"count"},
}
_ALSO_DROPPED = {"DeploymentStatus": {"replicas"}, "ScaleSpec": {"replicas"}}

_KEPT_STRINGS = {
    "CSIVolumeSource": {"fsType"},
    "Endpoint": {"hostname", "nodeName", "zone"},
    "EndpointAddress": {"nodeName"},
    "EndpointPort": {"appProtocol", "name", "protocol"},
    "GRPCAction": {"service"},
    "HostPathVolumeSource": {"type"},
    "IngressSpec": {"ingressClassName"},
    "LeaseSpec": {"holderIdentity", "preferredHolder", "strategy"},
    "NetworkPolicyPort": {"protocol"},
    "PersistentVolumeClaimSpec": {"storageClassName", "volumeAttributesClassName", "volumeMode"},
    "PodSpec": {"preemptionPolicy", "runtimeClassName"},
    "ServicePort": {"appProtocol"},
    "ServiceSpec": {"internalTrafficPolicy", "ipFamilyPolicy", "loadBalancerClass", "trafficDistribution"},
    "TypedLocalObjectReference": {"apiGroup"},
    "TypedObjectReference": {"apiGroup", "namespace"},
    "WebhookClientConfig": {"url"},
}
_NONE: frozenset[str] = frozenset()


def drops_zero(definition: str, field: str) -> bool:
    """Whether a zero number or ``false`` in this optional field means that it is absent."""
    kind = definition.rpartition(".")[2]
    if field in _ALSO_DROPPED.get(kind, _NONE):
        return True
    return field in _DROPPED and field not in _EXCEPTIONS.get(kind, _NONE)


def drops_empty_text(definition: str, field: str) -> bool:
    """Whether an empty string in this optional field means that it is absent."""
    if definition.startswith("io.k8s.api.core.") and definition.endswith(".EndpointPort"):
        return field != "appProtocol"
    return field not in _KEPT_STRINGS.get(definition.rpartition(".")[2], _NONE)
