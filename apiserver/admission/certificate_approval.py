"""CertificateApproval: who decides over a signing request must hold ``approve`` on its signer.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/certificates/approval``.
"""

from __future__ import annotations

from typing import ClassVar

from apiserver.admission.plugin import Action, Attributes, Plugin
from apiserver.authz.signers import may_use_signer
from minikube_py.api.errors import forbidden
from minikube_py.api.meta import Object

GROUP = "certificates.k8s.io"
PLURAL = "certificatesigningrequests"


class CertificateApproval(Plugin):
    """Validates writes to ``certificatesigningrequests/approval``."""

    name = "CertificateApproval"
    validates = True
    kinds = frozenset({(GROUP, PLURAL)})
    actions: ClassVar[frozenset[Action]] = frozenset({"UPDATE"})

    async def validate(self, attributes: Attributes) -> None:
        """Asks for the signer that the stored request names. Raises Forbidden."""
        if attributes.operation.subresource == "approval":
            require_signer(attributes, "approve")


def require_signer(attributes: Attributes, verb: str) -> None:
    """Refuses a user who may not ``verb`` for the signer of the stored request. Raises Forbidden."""
    operation = attributes.operation
    old: Object = attributes.old or {}
    signer = (old.get("spec") or {}).get("signerName") or ""
    if not may_use_signer(operation.core.authorizer, operation.user, verb, signer):
        cause = f'user not permitted to {verb} requests with signerName "{signer}"'
        raise forbidden(GROUP, PLURAL, operation.name, cause)
