"""Who may approve or sign for a signer: ``signers`` is a resource that only access rules know."""

from __future__ import annotations

from apiserver.authz.attributes import Attributes
from apiserver.authz.authorizer import Authorizer
from apiserver.context import UserInfo


def may_use_signer(authorizer: Authorizer, user: UserInfo, verb: str, signer: str) -> bool:
    """Whether the user holds ``verb`` on the signer by its name, or on all signers of its domain (``domain/*``)."""
    domain = signer.partition("/")[0]
    return any(
        authorizer.allows(Attributes(user, verb, "certificates.k8s.io", "*", "signers", name=name))[0]
        for name in (signer, f"{domain}/*")
    )
