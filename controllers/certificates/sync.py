"""What becomes of a CertificateSigningRequest: its approval as recognised, and when it is old; pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controllers.certificates.signers import KUBELET_CLIENT, SIGNERS
from minikube_py.api.meta import Object, condition_is_true, metadata
from minikube_py.api.times import format_time, parse_time

DECIDED_LASTS = timedelta(hours=1)
PENDING_LASTS = timedelta(hours=24)
SIGNER_VALIDATION_FAILURE = "SignerValidationFailure"


@dataclass(frozen=True, slots=True)
class Recognizer:
    """A kind of request that is approved by itself, if its user may create the subresource."""

    subresource: str
    message: str


SELF_NODE_CLIENT = Recognizer(
    "selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview."
)
NODE_CLIENT = Recognizer("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.")


def recognizers(csr: Object, is_kubelet_client: bool, common_name: str) -> tuple[Recognizer, ...]:
    """Which rights would approve the request, in the order they are asked for."""
    if csr["spec"].get("signerName") != KUBELET_CLIENT or not is_kubelet_client:
        return ()
    own = csr["spec"].get("username") == common_name
    return (SELF_NODE_CLIENT, NODE_CLIENT) if own else (NODE_CLIENT,)


def is_undecided(csr: Object) -> bool:
    """Whether it is neither approved nor denied, nor has its certificate."""
    decided = any(condition_is_true(csr, kind) for kind in ("Approved", "Denied"))
    return not decided and not (csr.get("status") or {}).get("certificate")


def is_to_be_signed(csr: Object) -> bool:
    """Whether it is approved, by itself or by somebody, and one of our signers' to sign."""
    return (
        csr["spec"].get("signerName") in SIGNERS
        and condition_is_true(csr, "Approved")
        and not any(condition_is_true(csr, kind) for kind in ("Denied", "Failed"))
        and not (csr.get("status") or {}).get("certificate")
    )


def access_review(csr: Object, subresource: str) -> Object:
    """The question whether the one who asks may have such a certificate."""
    spec = csr["spec"]
    asked: dict[str, Any] = {
        "user": spec.get("username", ""),
        "uid": spec.get("uid", ""),
        "groups": list(spec.get("groups") or []),
        "extra": dict(spec.get("extra") or {}),
        "resourceAttributes": {
            "group": "certificates.k8s.io",
            "resource": "certificatesigningrequests",
            "version": "*",
            "verb": "create",
            "subresource": subresource,
        },
    }
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": asked}


def with_condition(csr: Object, kind: str, reason: str, message: str, now: datetime) -> Object:
    """The request with one more condition."""
    condition = {
        "type": kind,
        "status": "True",
        "reason": reason,
        "message": message,
        "lastUpdateTime": format_time(now),
    }
    status = csr.get("status") or {}
    return {**csr, "status": {**status, "conditions": [*(status.get("conditions") or []), condition]}}


def delete_at(csr: Object, certificate_ends: datetime | None) -> datetime | None:
    """When it is to be deleted: an hour after it was decided, a day after it was made and never decided.

    An approved one that has no certificate stays, as upstream; one whose certificate has expired goes at that time.
    """
    due: list[datetime] = [] if certificate_ends is None else [certificate_ends]
    status = csr.get("status") or {}
    conditions: Collection[Object] = status.get("conditions") or ()
    for condition in conditions:
        issued = condition.get("type") != "Approved" or status.get("certificate")
        if issued and condition.get("lastUpdateTime"):
            due.append(parse_time(condition["lastUpdateTime"]) + DECIDED_LASTS)
    if not conditions and metadata(csr).get("creationTimestamp"):
        due.append(parse_time(metadata(csr)["creationTimestamp"]) + PENDING_LASTS)
    return min(due, default=None)
