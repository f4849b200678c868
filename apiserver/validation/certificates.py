"""Validation of CertificateSigningRequest, and the reading of the request in it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apiserver.validation.difference import difference
from apiserver.validation.meta import object_meta, object_meta_update
from minikube_py.api import names
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
    field_too_long,
)
from minikube_py.api.meta import Object

if TYPE_CHECKING:
    from cryptography.x509 import CertificateSigningRequest

LEGACY_SIGNER = "kubernetes.io/legacy-unknown"
MIN_EXPIRATION_SECONDS = 600
_MAX_SIGNER_NAME = 571
_USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)
_DECISIONS = ("Approved", "Denied")
_LASTING = ("Approved", "Denied", "Failed")
_STATUSES = ("False", "True", "Unknown")
_SIGNER_FORM = "must be a fully qualified domain and path of the form 'example.com/signer-name'"


def signing_request(obj: Object) -> Iterator[FieldError]:
    """A CertificateSigningRequest about to be stored: a request signed by its own key, for known usages."""
    yield from _signing_request(obj, old=None)


def signing_request_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed request: conditions and certificate come by way of the subresources."""
    yield from _update(new, old)


def signing_request_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status: the certificate is set once; what was decided stays."""
    yield from _update(new, old, certificate=True)


def signing_request_approval_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A decision: Approved or Denied, never both, never taken back."""
    yield from _update(new, old, decision=True)


def parse_request(obj: Object) -> CertificateSigningRequest:
    """The PKCS #10 request in ``spec.request``, signed by its own key. Raises ValueError with what is wrong."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    pem = base64.b64decode((obj.get("spec") or {}).get("request") or "", validate=True)
    block = next(_pem_blocks(pem.decode("latin-1")), None)
    if block is None or block.kind != "CERTIFICATE REQUEST":
        raise ValueError("PEM block type must be CERTIFICATE REQUEST")
    try:
        request = x509.load_pem_x509_csr(block.text.encode("latin-1"))
        if not request.is_signature_valid:
            raise ValueError("x509: the signature does not verify with the request's own key")
    except UnsupportedAlgorithm as error:
        raise ValueError(f"x509: {error}") from None
    return request


@dataclass(frozen=True, slots=True)
class _PemBlock:
    kind: str
    text: str
    body: str


def _pem_blocks(text: str) -> Iterator[_PemBlock]:
    """The blocks of a PEM file in order, up to the first that does not end; one pass, whatever the text."""
    begin, dashes, position = "-----BEGIN ", "-----", 0
    while (start := text.find(begin, position)) >= 0:
        named = text.find(dashes, start + len(begin))
        kind = text[start + len(begin) : named]
        end = f"-----END {kind}-----"
        stop = text.find(end, named) if named >= 0 else -1
        if stop < 0:
            return
        position = stop + len(end)
        yield _PemBlock(kind, text[start:position], text[named + len(dashes) : stop])


def conditions_of(obj: Object, condition_type: str) -> list[Object]:
    """Every condition of that type, in order."""
    conditions = (obj.get("status") or {}).get("conditions") or []
    return [condition for condition in conditions if condition.get("type") == condition_type]


def signer_name(path: str, value: str) -> Iterator[FieldError]:
    """``example.com/signer-name``: a domain of at least two labels and a path of DNS subdomains."""
    if not value:
        yield field_required(path)
        return
    domain, slash, rest = value.partition("/")
    if not slash or "/" in rest:
        yield field_invalid(path, value, _SIGNER_FORM)
        return
    if len(domain) > 253:
        yield field_too_long(path, 253)
    labels = domain.split(".")
    yield from _first_bad(path, domain, labels, is_domain=True)
    if len(labels) < 2:
        yield field_invalid(path, domain, "should be a domain with at least two segments separated by dots")
    yield from _first_bad(path, rest, rest.split("."), is_domain=False)
    if len(value) > _MAX_SIGNER_NAME:
        yield field_too_long(path, _MAX_SIGNER_NAME)


def _first_bad(path: str, whole: str, labels: list[str], *, is_domain: bool) -> Iterator[FieldError]:
    for label in labels:
        messages = names.dns1123_label(label) if is_domain else names.dns1123_subdomain(label)
        for message in messages:
            yield field_invalid(path, whole, f'validating label "{label}": {message}')
        if messages:
            return


def _signing_request(obj: Object, old: Object | None) -> Iterator[FieldError]:
    yield from object_meta(obj, namespaced=False, name=lambda name: [])
    spec, before = obj.get("spec") or {}, (old or {}).get("spec") or {}
    if old is None or spec.get("request") != before.get("request"):
        yield from _request(obj)
    usages = spec.get("usages") or []
    if not usages:
        yield field_required("spec.usages")
    seen: set[str] = set()
    for index, usage in enumerate(usages):
        if usage not in _USAGES:
            yield field_not_supported(f"spec.usages[{index}]", usage, _USAGES)
        if usage in seen:
            yield field_duplicate(f"spec.usages[{index}]", usage)
        seen.add(usage)
    signer = spec.get("signerName") or ""
    if signer == LEGACY_SIGNER and before.get("signerName") != LEGACY_SIGNER:
        detail = "the legacy signerName is not allowed via this API version"
        yield field_invalid("spec.signerName", signer, detail)
    else:
        yield from signer_name("spec.signerName", signer)
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < MIN_EXPIRATION_SECONDS:
        detail = "may not specify a duration less than 600 seconds (10 minutes)"
        yield field_invalid("spec.expirationSeconds", seconds, detail)
    yield from _conditions(obj, old)
    certificate = _certificate(obj)
    if certificate and (old is None or certificate != _certificate(old)):
        yield from _certificate_errors(certificate)


def _request(obj: Object) -> Iterator[FieldError]:
    shown = (obj.get("spec") or {}).get("request") or ""
    try:
        parse_request(obj)
    except ValueError as error:
        yield field_invalid("spec.request", shown, str(error))


def _conditions(obj: Object, old: Object | None) -> Iterator[FieldError]:
    path = "status.conditions"
    both_before = old is not None and all(conditions_of(old, decision) for decision in _DECISIONS)
    seen: list[str] = []
    for index, condition in enumerate((obj.get("status") or {}).get("conditions") or []):
        here, kind, status = f"{path}[{index}]", condition.get("type") or "", condition.get("status") or ""
        if not kind:
            yield field_required(f"{here}.type")
        allowed = ("True",) if kind in _LASTING else _STATUSES
        if not status:
            yield field_required(f"{here}.status")
        elif status not in allowed:
            yield field_not_supported(f"{here}.status", status, allowed)
        if kind in _DECISIONS and not both_before and any(other in seen for other in _DECISIONS if other != kind):
            detail = "Approved and Denied conditions are mutually exclusive"
            yield field_invalid(f"{here}.type", kind, detail)
        if kind in seen:
            yield field_duplicate(f"{here}.type", kind)
        seen.append(kind)


def _certificate(obj: Object) -> str:
    return (obj.get("status") or {}).get("certificate") or ""


def _certificate_errors(certificate: str) -> Iterator[FieldError]:
    from cryptography import x509

    def invalid(detail: str) -> FieldError:
        return field_invalid("status.certificate", "<certificate data>", detail)

    try:
        blocks = list(_pem_blocks(base64.b64decode(certificate, validate=True).decode("latin-1")))
        if not blocks:
            yield invalid("must contain at least one CERTIFICATE PEM block")
        for block in blocks:
            if block.kind != "CERTIFICATE":
                yield invalid(f'only CERTIFICATE PEM blocks are allowed, found "{block.kind}"')
                return
            if ":" in block.body:
                yield invalid("no PEM block headers are permitted")
                return
            x509.load_pem_x509_certificate(block.text.encode("latin-1"))
    except ValueError as error:
        yield invalid(str(error))


def _update(new: Object, old: Object, *, certificate: bool = False, decision: bool = False) -> Iterator[FieldError]:
    yield from _signing_request(new, old)
    for kind in _LASTING:
        if len(conditions_of(new, kind)) < len(conditions_of(old, kind)):
            yield field_forbidden("status.conditions", f'updates may not remove a condition of type "{kind}"')
    if not decision:
        yield from _decisions_kept(new, old)
    if _certificate(new) != _certificate(old):
        if not certificate:
            yield field_forbidden("status.certificate", "updates may not set certificate content")
        elif _certificate(old):
            yield field_forbidden("status.certificate", "updates may not modify existing certificate content")
    yield from object_meta_update(new, old)


def _decisions_kept(new: Object, old: Object) -> Iterator[FieldError]:
    for kind in _DECISIONS:
        after, before = conditions_of(new, kind), conditions_of(old, kind)
        if len(after) > len(before):
            yield field_forbidden("status.conditions", f'updates may not add a condition of type "{kind}"')
        elif len(after) == len(before) and after != before:
            detail = f'updates may not modify a condition of type "{kind}"\n{difference(after, before)}'
            yield field_forbidden("status.conditions", detail)
