"""ResourceQuota: what a namespace may hold in all; charged before the write, given back where the write fails.

Follows ``k8s.io/apiserver/pkg/admission/plugin/resourcequota``. What objects use is in :mod:`minikube_py.api.quota`,
what a write is charged in :mod:`minikube_py.api.quota_charge`, how it is charged in
:mod:`apiserver.admission.quota_ledger`.
"""

from __future__ import annotations

from typing import ClassVar

from apiserver.admission.plugin import CREATE_OR_UPDATE, Action, Attributes, Plugin
from apiserver.admission.quota_ledger import QuotaLedger, Request
from apiserver.core import Core, Undo
from apiserver.storage.store import KeyExists, NoSpace, RevisionMismatch, ValueTooLarge
from minikube_py.api.errors import ApiError, forbidden
from minikube_py.api.quota import evaluator_for
from minikube_py.api.quota_charge import QuotaRefused
from minikube_py.api.resources import RESOURCE_QUOTAS

_IGNORED = frozenset({("", "events"), ("events.k8s.io", "events")})
_UPDATES = frozenset(
    {
        ("services", ""),
        ("persistentvolumeclaims", ""),
        ("persistentvolumeclaims", "status"),
        ("pods", "resize"),
    }
)
"""The updates that may use more: a Service's type, a claim's size, a pod's resources."""
_NOTHING_WRITTEN = (ApiError, KeyExists, NoSpace, RevisionMismatch, ValueTooLarge)


class ResourceQuota(Plugin):
    """The last plugin: nobody refuses what it has charged, but the store. Free in a namespace without a quota."""

    name = "ResourceQuota"
    validates = True
    actions: ClassVar[frozenset[Action]] = CREATE_OR_UPDATE

    def __init__(self, ledger: QuotaLedger | None = None) -> None:
        self._ledger = ledger or QuotaLedger()

    async def validate(self, attributes: Attributes) -> None:
        """Charges the write. Raises Forbidden where a quota is exceeded or obliges to say more, StoreError."""
        operation = attributes.operation
        namespace, resource = operation.namespace, operation.resource
        if not namespace or not resource.namespaced or not resource.persisted or attributes.obj is None:
            return
        if attributes.action == "CREATE":
            if operation.subresource or (resource.group, resource.plural) in _IGNORED:
                return
        elif resource.group or (resource.plural, operation.subresource) not in _UPDATES:
            return
        core = operation.core
        if not core.caches[RESOURCE_QUOTAS].list(namespace).items:
            return
        request = Request(
            evaluator_for(resource.group, resource.plural),
            attributes.obj,
            attributes.old,
            operation.dry_run,
            enforced=operation.subresource != "status",
        )
        try:
            await self._ledger.charge(core, namespace, request)
        except QuotaRefused as refused:
            raise forbidden(resource.group, resource.plural, operation.name, str(refused)) from None
        if request.charged:
            operation.undo.append(self._undo(core, namespace, request))

    def _undo(self, core: Core, namespace: str, request: Request) -> Undo:
        async def undo(error: BaseException) -> None:
            # Where the store did not answer in time the write may have happened: the controller counts anew.
            if isinstance(error, _NOTHING_WRITTEN):
                await self._ledger.give_back(core, namespace, request)

        return undo
