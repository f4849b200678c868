"""CertificateSubjectRestriction: no client certificate of this API server makes its holder a member of system:masters.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/certificates/subjectrestriction``.
"""

from __future__ import annotations

from typing import ClassVar

from apiserver.admission.certificate_approval import GROUP, PLURAL
from apiserver.admission.plugin import CREATE, Action, Attributes, Plugin
from apiserver.authz.authorizer import MASTERS
from apiserver.validation.certificates import parse_request
from minikube_py.api.errors import forbidden

RESTRICTED_SIGNER = "kubernetes.io/kube-apiserver-client"


class CertificateSubjectRestriction(Plugin):
    """Validates signing requests that are created for the signer of client certificates."""

    name = "CertificateSubjectRestriction"
    validates = True
    kinds = frozenset({(GROUP, PLURAL)})
    actions: ClassVar[frozenset[Action]] = CREATE

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden where the subject names the group as its organisation."""
        request = attributes.obj or {}
        if (request.get("spec") or {}).get("signerName") != RESTRICTED_SIGNER:
            return
        from cryptography.x509.oid import NameOID

        name = attributes.operation.name
        try:
            subject = parse_request(request).subject
        except ValueError as error:
            raise forbidden(GROUP, PLURAL, name, f"failed to parse CSR: {error}") from None
        if any(item.value == MASTERS for item in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)):
            cause = f"use of {RESTRICTED_SIGNER} signer with {MASTERS} group is not allowed"
            raise forbidden(GROUP, PLURAL, name, cause)
