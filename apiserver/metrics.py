"""What the server counts, under upstream's names: requests, etcd's operations, access decisions, admission, watches.

Labels are those of 1.32. What can be read off the server's parts when ``/metrics`` is asked for is in
:mod:`apiserver.scrape` and counted nowhere.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics, generate_latest
from starlette.responses import Response, StreamingResponse

from apiserver.context import RequestContext, RequestInfo
from apiserver.followed import Followed
from apiserver.listing import ListResponse
from apiserver.series import Histograms, Number, Numbers, Tally
from minikube_py.api.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

disable_created_metrics()  # type: ignore[no-untyped-call]
_READS = frozenset({"get", "list", "watch"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_VERBS = {
    "get": "GET",
    "list": "LIST",
    "watch": "WATCH",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETECOLLECTION",
}
_CONNECT = frozenset({"exec", "attach", "portforward", "proxy"})
_APPLY = b"application/apply-patch+"
_MONITORED_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/metrics", "/metrics/slis", "/version"})
_SECONDS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
_SIZES = tuple(1000 * 10**power for power in range(7))
_EVENT_SIZES = tuple(1024 * 2**power for power in range(8))
_ADMISSION_SECONDS = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
_AUTHENTICATION_SECONDS = tuple(0.001 * 2**power for power in range(15))
_HOUR, _DAY = 3600, 86400
_CERTIFICATE_SECONDS = (
    *(0, _HOUR / 2, _HOUR, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR),
    *(_DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 30 * _DAY, 90 * _DAY, 180 * _DAY, 360 * _DAY),
)
_KNOWN_USERS = frozenset({"admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"})
"""Those that ``authenticated_user_requests`` names, as upstream."""
_WHAT = ("verb", "group", "version", "resource", "subresource", "scope", "component")
_WHAT_DRY = ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component")


class _Answered:
    """The requests of one kind that were answered with one code."""

    __slots__ = ("seconds", "sizes", "total")

    def __init__(self, total: Number, seconds: Tally, sizes: Tally | None) -> None:
        self.total = total
        self.seconds = seconds
        self.sizes = sizes


class Metrics:
    """The API server's metrics; ``process`` adds those of the process. Of one event loop."""

    def __init__(self, *, process: bool = False) -> None:
        self.registry = CollectorRegistry()
        """For parts that count seldom, with prometheus_client's own classes."""
        if process:
            ProcessCollector(registry=self.registry)
        self._requests = Numbers(
            "apiserver_request_total",
            "counter",
            "Requests answered, by verb, dry run, resource, scope and response code.",
            (*_WHAT_DRY, "code"),
        )
        self._durations = Histograms(
            "apiserver_request_duration_seconds", "Seconds from a request to its answer.", _WHAT_DRY, _SECONDS
        )
        self._sizes = Histograms("apiserver_response_sizes", "Bytes of the answers to GET and LIST.", _WHAT, _SIZES)
        self._long_running = Numbers(
            "apiserver_longrunning_requests", "gauge", "Watches, logs and other streams that are open.", _WHAT
        )
        self._inflight = Numbers(
            "apiserver_current_inflight_requests", "gauge", "Requests that are being worked on.", ("request_kind",)
        )
        self._aborts = Numbers(
            "apiserver_request_aborts_total", "counter", "Requests whose client left before the answer.", _WHAT[:-1]
        )
        self._terminations = Numbers(
            "apiserver_request_terminations_total",
            "counter",
            "Requests that the server ended to protect itself: no seat (429), or over time (504).",
            (*_WHAT, "code"),
        )
        self.etcd = Histograms(
            "etcd_request_duration_seconds",
            "Seconds of operations on etcd, by operation and kind.",
            ("operation", "type"),
            _SECONDS,
        )
        self.etcd_errors = Numbers(
            "etcd_request_errors_total", "counter", "Operations on etcd that failed.", ("operation", "type")
        )
        self.watch_sizes = Histograms(
            "apiserver_watch_events_sizes",
            "Bytes of events sent to watchers.",
            ("group", "version", "kind"),
            _EVENT_SIZES,
        )
        self.admission_steps = Histograms(
            "apiserver_admission_step_admission_duration_seconds",
            "Seconds of all admission plugins together, by phase.",
            ("type", "operation", "rejected"),
            _ADMISSION_SECONDS,
        )
        self.admission_controllers = Histograms(
            "apiserver_admission_controller_admission_duration_seconds",
            "Seconds of one admission plugin, by phase.",
            ("name", "type", "operation", "rejected"),
            _ADMISSION_SECONDS,
        )
        self.authentications = Histograms(
            "authentication_duration_seconds",
            "Seconds that it took to find out who asks.",
            ("result",),
            _AUTHENTICATION_SECONDS,
        )
        self._users = Numbers("authenticated_user_requests", "counter", "Requests by kind of user.", ("username",))
        self.certificates = Histograms(
            "apiserver_client_certificate_expiration_seconds",
            "Seconds that are left to the client certificates of requests.",
            (),
            _CERTIFICATE_SECONDS,
        )
        self._decisions = Numbers(
            "apiserver_authorization_decisions_total",
            "counter",
            "Requests that an authorizer decided.",
            ("type", "name", "decision"),
        )
        self.valid_tokens = Numbers(
            "serviceaccount_valid_tokens_total", "counter", "Valid bound service-account tokens that were shown."
        )
        self.legacy_tokens = Numbers(
            "serviceaccount_legacy_tokens_total", "counter", "Service-account tokens of Secrets that were shown."
        )
        self.stale_tokens = Numbers(
            "serviceaccount_stale_tokens_total", "counter", "Service-account tokens shown past their intended life."
        )
        self._families: tuple[Numbers | Histograms, ...] = (
            *(self._requests, self._durations, self._sizes, self._long_running, self._inflight),
            *(self._aborts, self._terminations, self.etcd, self.etcd_errors, self.watch_sizes),
            *(self.admission_steps, self.admission_controllers, self.authentications, self._users, self.certificates),
            *(self._decisions, self.valid_tokens, self.legacy_tokens, self.stale_tokens),
        )
        self._answered: dict[tuple[object, ...], _Answered] = {}
        self._reading = self._inflight.of("readOnly")
        self._mutating = self._inflight.of("mutating")
        self._succeeded = self.authentications.of("success")
        self._failed = self.authentications.of("failure")

    def inflight(self, verb: str) -> Number:
        """The requests in flight that a verb counts to."""
        return self._reading if verb in _READS else self._mutating

    def answered(self, ctx: RequestContext, response: Response, started: float) -> Response:
        """Counts an answer that began to be worked on at the monotonic time ``started``.

        Returns what to send: a stream counts as open until its end, and as answered then.
        """
        if isinstance(response, StreamingResponse):
            return self._followed(ctx, response, started)
        self._observe(ctx, response, time.monotonic() - started)
        return response

    def authenticated(self, username: str, seconds: float) -> None:
        """Somebody's credentials were good; anonymous requests have none."""
        self._succeeded.observe(seconds)
        shown = username if username in _KNOWN_USERS else "email_id" if "@" in username else "other"
        self._users.of(shown).value += 1

    def not_authenticated(self, seconds: float) -> None:
        """Somebody's credentials were refused."""
        self._failed.observe(seconds)

    def decided(self, authorizer: str) -> None:
        """The authorizer of that type (``Node``, ``RBAC``) has allowed a request; none of them denies for good."""
        self._decisions.of(authorizer, authorizer.lower(), "allowed").value += 1

    def aborted(self, info: RequestInfo) -> None:
        """The client has left."""
        self._aborts.of(*_labels(info, _verb(info))[:-1]).value += 1

    def terminated(self, info: RequestInfo, code: int) -> None:
        """The server has ended the request to protect itself."""
        self._terminations.of(*_labels(info, _verb(info)), str(code)).value += 1

    def text(self, scraped: Iterable[str] = ()) -> bytes:
        """What ``/metrics`` gives, with the lines that were worked out for it."""
        return "".join((*self._lines(), *scraped)).encode() + generate_latest(self.registry)

    def _lines(self) -> Iterator[str]:
        for each in self._families:
            yield from each.text()
        # There are no webhooks, whose time it would leave out; the wait for a seat counts.
        yield from self._durations.text_as(
            "apiserver_request_sli_duration_seconds", "Seconds from a request to its answer, as a service indicator."
        )

    def _followed(self, ctx: RequestContext, response: StreamingResponse, started: float) -> Response:
        open_ones = self._long_running.of(*_labels(ctx.info, _verb(ctx.info)))
        open_ones.value += 1

        def ended() -> None:
            open_ones.value -= 1
            self._observe(ctx, response, time.monotonic() - started)

        return Followed(response, ended)

    def _observe(self, ctx: RequestContext, response: Response, seconds: float) -> None:
        info, code = ctx.info, response.status_code
        verb = info.verb
        kind = "" if verb in _READS or not info.is_resource else _kind_of_write(ctx)
        # Kept by what distinguishes labels, because finding series by their labels costs more than counting in them.
        key = (verb, info.resource, info.subresource, not info.name, not info.namespace, kind, code)
        answered = self._answered.get(key)
        if answered is None:
            answered = self._new(info, kind, code)
            if info.resource is not None and (not info.subresource or info.resource.subresource(info.subresource)):
                self._answered[key] = answered
        answered.total.value += 1
        answered.seconds.observe(seconds)
        if answered.sizes is not None:
            size = response.size if isinstance(response, ListResponse) else len(getattr(response, "body", b""))
            answered.sizes.observe(size)

    def _new(self, info: RequestInfo, kind: str, code: int) -> _Answered:
        verb = "APPLY" if "apply" in kind else _verb(info)
        labels = _labels(info, verb)
        dry = (labels[0], "All" if "dry" in kind else "", *labels[1:])
        sizes = self._sizes.of(*labels) if verb in ("GET", "LIST") else None
        return _Answered(self._requests.of(*dry, str(code)), self._durations.of(*dry), sizes)


def _kind_of_write(ctx: RequestContext) -> str:
    """What else than the verb tells writes apart."""
    dry = "dry " if ctx.query.get("dryRun") == "All" else ""
    is_apply = ctx.info.verb == "patch" and ctx.headers.get(b"content-type", b"").startswith(_APPLY)
    return f"{dry}apply" if is_apply else dry


def _verb(info: RequestInfo) -> str:
    if info.is_resource and info.subresource in _CONNECT and _known_subresource(info.resource, info.subresource):
        return "CONNECT"
    known = _VERBS.get(info.verb)
    if known is not None:
        return known
    method = info.verb.upper()
    return method if method in _METHODS else "other"


def _known_subresource(resource: Resource | None, name: str) -> bool:
    return resource is not None and resource.subresource(name) is not None


def _labels(info: RequestInfo, verb: str) -> tuple[str, ...]:
    """The values of ``_WHAT``; a path that is not known is not told, so that nobody can make up series."""
    resource = info.resource
    if resource is None:
        return verb, "", "", "", info.path if info.path in _MONITORED_PATHS else "", "", ""
    subresource = info.subresource if _known_subresource(resource, info.subresource) else ""
    return verb, resource.group, resource.version, resource.plural, subresource, _scope(info), "apiserver"


def _scope(info: RequestInfo) -> str:
    if info.name or info.verb == "create":
        return "resource"
    return "namespace" if info.namespace else "cluster"
