"""Admission: plugins that change or refuse a write before it is stored, one file each, in one fixed order.

What may enter here: rules that need more than the object itself. What only looks at the object is a strategy's or a
validation's.
"""

from __future__ import annotations

from apiserver.admission.chain import AdmissionChain
from apiserver.admission.plugin import Attributes, Plugin
from apiserver.metrics import Metrics


def default_chain(metrics: Metrics | None = None) -> AdmissionChain:
    """The plugins that are always on, in upstream's order; webhooks have their place before ResourceQuota."""
    from apiserver.admission.certificate_approval import CertificateApproval
    from apiserver.admission.certificate_signing import CertificateSigning
    from apiserver.admission.certificate_subject_restriction import CertificateSubjectRestriction
    from apiserver.admission.default_ingress_class import DefaultIngressClass
    from apiserver.admission.default_storage_class import DefaultStorageClass
    from apiserver.admission.default_toleration_seconds import DefaultTolerationSeconds
    from apiserver.admission.limit_ranger import LimitRanger
    from apiserver.admission.namespace_lifecycle import NamespaceLifecycle
    from apiserver.admission.node_restriction import NodeRestriction
    from apiserver.admission.persistent_volume_claim_resize import PersistentVolumeClaimResize
    from apiserver.admission.pod_binding import PodBinding
    from apiserver.admission.pod_security.plugin import PodSecurity
    from apiserver.admission.priority import Priority
    from apiserver.admission.rbac_escalation import RbacEscalation
    from apiserver.admission.resource_quota import ResourceQuota
    from apiserver.admission.runtime_class import RuntimeClass
    from apiserver.admission.service_account import ServiceAccount
    from apiserver.admission.storage_object_in_use_protection import StorageObjectInUseProtection
    from apiserver.admission.taint_nodes_by_condition import TaintNodesByCondition

    return AdmissionChain(
        [
            NamespaceLifecycle(),
            LimitRanger(),
            ServiceAccount(),
            NodeRestriction(),
            TaintNodesByCondition(),
            PodSecurity(),
            Priority(),
            DefaultTolerationSeconds(),
            DefaultStorageClass(),
            StorageObjectInUseProtection(),
            PersistentVolumeClaimResize(),
            RuntimeClass(),
            CertificateApproval(),
            CertificateSigning(),
            CertificateSubjectRestriction(),
            DefaultIngressClass(),
            PodBinding(),
            RbacEscalation(),
            ResourceQuota(),
        ],
        metrics,
    )


__all__ = ["AdmissionChain", "Attributes", "Plugin", "default_chain"]
