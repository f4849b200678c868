"""The interpreters of the CertificateSigningRequest controllers: approving, signing, cleaning."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from cryptography import x509

from controllers.actions import Update, delete
from controllers.certificates import signers
from controllers.certificates.authority import Authority
from controllers.certificates.sync import (
    SIGNER_VALIDATION_FAILURE,
    access_review,
    delete_at,
    is_to_be_signed,
    is_undecided,
    recognizers,
    with_condition,
)
from controllers.perform import Performer
from minikube_py.api.meta import Object, key_of, name_of
from minikube_py.api.resources import CERTIFICATE_SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

log = structlog.get_logger("certificates")


class AccessNotApproved(Exception):
    """The request is of a kind that is approved by itself, but its user has not the right."""


class _CertificateController(ABC):
    """Works request by request."""

    def __init__(self, context: ControllerContext, name: str, queue: str) -> None:
        self._clock = context.clock
        self._requests = context.informers.informer(CERTIFICATE_SIGNING_REQUESTS)
        self._queue = WorkQueue(queue, context.clock)
        writes = Writes(context.clock, self._requests)
        self._performer = Performer(context.client, writes=writes)
        self._requests.add_handler(self._on_request)
        context.add(Controller(name, self._queue, self._reconcile, context.clock, writes=writes))

    def _on_request(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(key_of(new))

    async def _reconcile(self, key: str) -> float | None:
        csr = self._requests.get(key)
        return None if csr is None else await self._handle(key, csr)

    @abstractmethod
    async def _handle(self, key: str, csr: Object) -> float | None:
        """Does what the request needs; the seconds after which to look again."""


class ApprovingController(_CertificateController):
    """Approves kubelets' requests for client certificates, where their users have the right to them."""

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, "certificatesigningrequest-approving-controller", "certificate_csrapproving")

    async def _handle(self, key: str, csr: Object) -> float | None:
        if not is_undecided(csr):
            return None
        try:
            request = signers.parse(csr)
        except signers.Unfit:
            return None
        usages = csr["spec"].get("usages") or []
        tried = recognizers(csr, signers.is_kubelet_client(request, usages), signers.common_name(request))
        for recognizer in tried:
            review = access_review(csr, recognizer.subresource)
            answer = await self._performer.client.create(SUBJECT_ACCESS_REVIEWS, review)
            if (answer.get("status") or {}).get("allowed"):
                approved = with_condition(csr, "Approved", "AutoApproved", recognizer.message, self._clock.now())
                return await self._performer.perform(key, (Update(CERTIFICATE_SIGNING_REQUESTS, approved, "approval"),))
        if tried:
            names = " ".join(recognizer.subresource for recognizer in tried)
            raise AccessNotApproved(
                f'recognized csr "{name_of(csr)}" as [{names}] but subject access review was not approved'
            )
        return None


class SigningController(_CertificateController):
    """Signs what is approved for the four ``kubernetes.io`` signers; without a CA in the settings not at all.

    Raises OSError or ValueError where the CA can't be used.
    """

    def __init__(self, context: ControllerContext) -> None:
        settings = context.settings
        if not settings.cluster_signing_cert_file or not settings.cluster_signing_key_file:
            log.info("No certificates are signed without cluster_signing_cert_file and cluster_signing_key_file")
            return
        longest = timedelta(seconds=settings.cluster_signing_duration)
        certificate_file, key_file = settings.cluster_signing_cert_file, settings.cluster_signing_key_file
        self._authority = Authority.load(certificate_file, key_file, longest)
        super().__init__(context, "certificatesigningrequest-signing-controller", "certificate_csrsigning")

    async def _handle(self, key: str, csr: Object) -> float | None:
        if not is_to_be_signed(csr):
            return None
        now = self._clock.now()
        try:
            request = signers.parse(csr)
            signers.check(csr["spec"]["signerName"], request, csr["spec"].get("usages") or [])
        except signers.Unfit as error:
            changed = with_condition(csr, "Failed", SIGNER_VALIDATION_FAILURE, str(error), now)
        else:
            pem = self._authority.sign(request, csr["spec"], now)
            changed = {**csr, "status": {**csr["status"], "certificate": base64.b64encode(pem).decode("ascii")}}
        return await self._performer.perform(key, (Update(CERTIFICATE_SIGNING_REQUESTS, changed, "status"),))


class CleanerController(_CertificateController):
    """Deletes requests that were decided, or left undecided, long ago."""

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, "certificatesigningrequest-cleaner-controller", "certificate_csrcleaner")

    async def _handle(self, key: str, csr: Object) -> float | None:
        due = delete_at(csr, _ends(csr))
        if due is None:
            return None
        remaining = (due - self._clock.now()).total_seconds()
        if remaining > 0:
            return remaining
        return await self._performer.perform(key, (delete(CERTIFICATE_SIGNING_REQUESTS, csr),))


def _ends(csr: Object) -> datetime | None:
    """When the certificate expires; None where there is none that can be read."""
    try:
        pem = base64.b64decode((csr.get("status") or {}).get("certificate") or "")
        return x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError:
        return None
