"""Records requests by the policy: the one place where audit events come from and go to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter
from starlette.responses import Response, StreamingResponse

from apiserver.audit.log import AuditLog
from apiserver.audit.policy import Policy, Stage, decide, load
from apiserver.audit.record import Record
from apiserver.followed import Followed
from minikube_py.api.meta import Object
from minikube_py.runtime.clock import Clock

if TYPE_CHECKING:
    from apiserver.context import RequestContext, UserInfo
    from apiserver.settings import Settings

log = structlog.get_logger("apiserver")


class AuditCounts:
    """The metrics of the audit log, there at zero where none is kept too."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "apiserver_audit_event_total", "Audit events that were made for the backend.", registry=registry
        )
        self.errors = Counter(
            "apiserver_audit_error_total", "Audit events that could not be written.", ("plugin",), registry=registry
        )
        self.levels = Counter(
            "apiserver_audit_level_total", "Requests by the policy's level for them.", ("level",), registry=registry
        )
        self.rejected = Counter(
            "apiserver_audit_requests_rejected_total",
            "Requests refused because they could not be recorded; none ever is.",
            registry=registry,
        )


def make_auditor(settings: Settings, clock: Clock, registry: CollectorRegistry) -> Auditor | None:
    """The auditor that the settings ask for. Raises InvalidAuditPolicy, OSError."""
    counts = AuditCounts(registry)
    if not settings.audit_log_path or not settings.audit_policy_file:
        return None
    target = AuditLog(
        settings.audit_log_path,
        max_megabytes=settings.audit_log_maxsize,
        max_backups=settings.audit_log_maxbackup,
        max_age_days=settings.audit_log_maxage,
    )
    return Auditor(load(settings.audit_policy_file), target, clock, counts)


class Auditor:
    """Makes and writes the events of requests; a line that can't be written is counted, the request goes on."""

    def __init__(self, policy: Policy, target: AuditLog, clock: Clock, counts: AuditCounts) -> None:
        self._policy = policy
        self._target = target
        self._clock = clock
        self._counts = counts
        self._failing = False

    def begin(self, ctx: RequestContext, user: UserInfo) -> Record | None:
        """Starts the record of a request that ``user`` made, perhaps acting as ``ctx.user``; None to record nothing."""
        decision = decide(self._policy, user, ctx.info)
        self._counts.levels.labels(decision.level).inc()
        if decision.level == "None":
            return None
        record = Record(ctx, decision, user, self._clock.now())
        self._write(record, "RequestReceived")
        return record

    def end(self, record: Record, response: Response) -> Response:
        """Records how the request was answered. Returns what to send: of a stream the end is recorded as well."""
        status: Object = {"metadata": {}, "code": response.status_code}
        if isinstance(response, StreamingResponse):
            self._write(record, "ResponseStarted", status)
            return Followed(response, lambda: self._write(record, "ResponseComplete", status))
        if response.status_code >= 400:
            status |= _failure(bytes(response.body))
        body = bytes(response.body) if record.wants_response else b""
        self._write(record, "ResponseComplete", status, body)
        return response

    def _write(self, record: Record, stage: Stage, status: Object | None = None, answer: bytes = b"") -> None:
        event = record.event(stage, self._clock.now(), status=status, answer=answer)
        if event is None:
            return
        self._counts.events.inc()
        try:
            self._target.write(orjson.dumps(event) + b"\n")
            self._failing = False
        except (OSError, TypeError) as error:
            self._counts.errors.labels("log").inc()
            if not self._failing:
                # Said once, not for every request while the disk is full.
                self._failing = True
                log.error("Audit event can't be written", error=str(error))

    def close(self) -> None:
        """Closes the log."""
        self._target.close()


def _failure(body: bytes) -> Object:
    try:
        answered = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(answered, dict) or answered.get("kind") != "Status":
        return {}
    return {key: answered[key] for key in ("status", "message", "reason", "details") if key in answered}
