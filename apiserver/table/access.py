"""The printers of certificates and of the API server's own kinds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, NONE, Column, Printer, age, documented, human_duration
from minikube_py.api.meta import Object, find_condition, name_of

_CERTIFICATES = "certificates.k8s.io"
_FLOW_CONTROL = "flowcontrol.apiserver.k8s.io"
_REQUEST = "certificates.v1.CertificateSigningRequestSpec"

SIGNING_REQUEST_COLUMNS = (
    NAME,
    AGE,
    Column("SignerName", documented(_REQUEST, "signerName")),
    Column("Requestor", documented(_REQUEST, "request")),
    Column("RequestedDuration", documented(_REQUEST, "expirationSeconds")),
    Column("Condition", documented("certificates.v1.CertificateSigningRequestStatus", "conditions")),
)
TRUST_BUNDLE_COLUMNS = (NAME, Column("SignerName", "The signer whose trust anchors these are"))
POD_CERTIFICATE_COLUMNS = (
    NAME,
    Column("PodName", "The pod that the certificate is for"),
    Column("ServiceAccountName", "The pod's service account"),
    Column("NodeName", "The pod's node"),
    Column("SignerName", "The signer that is asked"),
    Column("State", "Whether the request is pending, issued, denied or failed"),
)
API_SERVICE_COLUMNS = (
    NAME,
    Column("Service", "The reference to the service that hosts this API endpoint."),
    Column("Available", "Whether this service is available."),
    AGE,
)
FLOW_SCHEMA_COLUMNS = (
    NAME,
    Column("PriorityLevel", "The priority level that matched requests are given"),
    Column("MatchingPrecedence", "Which schema wins where several match: the one with the lowest number"),
    Column("DistinguisherMethod", "What tells the flows of a schema apart"),
    AGE,
    Column("MissingPL", "references a broken or non-existent PriorityLevelConfiguration"),
)
PRIORITY_LEVEL_COLUMNS = (
    NAME,
    Column("Type", "Whether requests are limited"),
    Column("NominalConcurrencyShares", "The level's share of the seats"),
    Column("Queues", "The number of queues"),
    Column("HandSize", "The number of queues that a flow is dealt"),
    Column("QueueLengthLimit", "The requests that may wait in one queue"),
    AGE,
)
MIGRATION_COLUMNS = (Column("Name", NAME.description), Column("Resource", "Fully qualified resource to migrate"))


def signing_request_cells(request: Object, now: datetime) -> list[Any]:
    """Name, age, signer, who asks, the duration asked for, condition."""
    spec = request.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    return [
        name_of(request),
        age(request, now),
        spec.get("signerName") or NONE,
        spec.get("username", ""),
        NONE if seconds is None else human_duration(seconds),
        _request_condition(request.get("status") or {}),
    ]


def trust_bundle_cells(bundle: Object, now: datetime) -> list[Any]:
    """Name, signer."""
    return [name_of(bundle), (bundle.get("spec") or {}).get("signerName") or NONE]


def pod_certificate_cells(request: Object, now: datetime) -> list[Any]:
    """Name, pod, service account, node, signer, state."""
    spec = request.get("spec") or {}
    shown = ("podName", "serviceAccountName", "nodeName", "signerName")
    conditions = {condition.get("type") for condition in (request.get("status") or {}).get("conditions") or ()}
    state = next((state for state in ("Issued", "Denied", "Failed") if state in conditions), "Pending")
    return [name_of(request), *(spec.get(field, "") for field in shown), state]


def api_service_cells(api_service: Object, now: datetime) -> list[Any]:
    """Name, where it is served, whether it is available, age."""
    service = (api_service.get("spec") or {}).get("service")
    condition = find_condition(api_service, "Available")
    available = condition.get("status", "") if condition else "Unknown"
    if condition and available != "True":
        available = f"{available} ({condition.get('reason', '')})"
    return [
        name_of(api_service),
        f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local",
        available,
        age(api_service, now),
    ]


def flow_schema_cells(schema: Object, now: datetime) -> list[Any]:
    """Name, priority level, precedence, distinguisher, age, whether the level is missing."""
    spec = schema.get("spec") or {}
    dangling = find_condition(schema, "Dangling")
    return [
        name_of(schema),
        (spec.get("priorityLevelConfiguration") or {}).get("name", ""),
        spec.get("matchingPrecedence") or 0,
        (spec.get("distinguisherMethod") or {}).get("type") or NONE,
        age(schema, now),
        dangling.get("status", "?") if dangling else "?",
    ]


def priority_level_cells(level: Object, now: datetime) -> list[Any]:
    """Name, type, shares, queues, hand size, queue length, age."""
    spec = level.get("spec") or {}
    kind = spec.get("type", "")
    section = spec.get("exempt" if kind == "Exempt" else "limited") or {}
    queuing = (section.get("limitResponse") or {}).get("queuing") or {}
    return [
        name_of(level),
        kind,
        section.get("nominalConcurrencyShares", NONE),
        *(queuing.get(field, NONE) for field in ("queues", "handSize", "queueLengthLimit")),
        age(level, now),
    ]


def migration_cells(migration: Object, now: datetime) -> list[Any]:
    """Name, resource."""
    resource = (migration.get("spec") or {}).get("resource") or {}
    return [name_of(migration), ".".join(filter(None, (resource.get("resource"), resource.get("group"))))]


def _request_condition(status: Object) -> str:
    types = {condition.get("type") for condition in status.get("conditions") or ()}
    states = [state for state in ("Denied", "Approved") if state in types][:1] or ["Pending"]
    if "Failed" in types:
        states.append("Failed")
    if status.get("certificate"):
        states.append("Issued")
    return ",".join(states)


PRINTERS = {
    ("apiregistration.k8s.io", "APIService"): Printer(API_SERVICE_COLUMNS, api_service_cells),
    (_CERTIFICATES, "CertificateSigningRequest"): Printer(SIGNING_REQUEST_COLUMNS, signing_request_cells),
    (_CERTIFICATES, "ClusterTrustBundle"): Printer(TRUST_BUNDLE_COLUMNS, trust_bundle_cells),
    (_CERTIFICATES, "PodCertificateRequest"): Printer(POD_CERTIFICATE_COLUMNS, pod_certificate_cells),
    (_FLOW_CONTROL, "FlowSchema"): Printer(FLOW_SCHEMA_COLUMNS, flow_schema_cells),
    (_FLOW_CONTROL, "PriorityLevelConfiguration"): Printer(PRIORITY_LEVEL_COLUMNS, priority_level_cells),
    ("storagemigration.k8s.io", "StorageVersionMigration"): Printer(MIGRATION_COLUMNS, migration_cells),
}
