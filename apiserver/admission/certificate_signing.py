"""CertificateSigning: who issues a certificate must hold ``sign`` on the request's signer.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/certificates/signing``.
"""

from __future__ import annotations

from typing import ClassVar

from apiserver.admission.certificate_approval import GROUP, PLURAL, require_signer
from apiserver.admission.plugin import Action, Attributes, Plugin


class CertificateSigning(Plugin):
    """Validates writes to ``certificatesigningrequests/status`` that set a certificate or conditions."""

    name = "CertificateSigning"
    validates = True
    kinds = frozenset({(GROUP, PLURAL)})
    actions: ClassVar[frozenset[Action]] = frozenset({"UPDATE"})

    async def validate(self, attributes: Attributes) -> None:
        """Asks for the signer that the stored request names. Raises Forbidden."""
        if attributes.operation.subresource != "status":
            return
        new, old = ((obj or {}).get("status") or {} for obj in (attributes.obj, attributes.old))
        if any(new.get(key) != old.get(key) for key in ("certificate", "conditions")):
            require_signer(attributes, "sign")
