"""The ResourceQuotas of a namespace as this process knows them, and compare-and-swap of their ``status.used``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import structlog

from apiserver.admission.lookup import Derived
from apiserver.core import Core
from apiserver.objects import encode
from apiserver.storage.encoding import decode
from apiserver.storage.store import KeyValue, RevisionMismatch, StoreError, storage_key
from minikube_py.api.meta import join_key, metadata, namespace_of, resource_version_of
from minikube_py.api.quota_amounts import Amounts, mask, subtract, written
from minikube_py.api.quota_charge import Quota
from minikube_py.api.resources import RESOURCE_QUOTAS

GIVE_BACK_ATTEMPTS = 50
_LIMIT = 4096
log = structlog.get_logger("apiserver")


class Overtaken(Exception):
    """Another server, or the controller, wrote the quota in between; ``gone`` tells that it was deleted."""

    def __init__(self, name: str, *, gone: bool) -> None:
        super().__init__(name)
        self.name = name
        self.gone = gone


class QuotaStore:
    """Quotas by what the watch cache shows and by what this process wrote or was told since."""

    def __init__(self) -> None:
        self._read: Derived[Quota] = Derived(RESOURCE_QUOTAS, Quota.read)
        self._newer: dict[str, Quota] = {}

    def known(self, core: Core, namespace: str) -> list[Quota]:
        """The quotas of a namespace, in the order of their names; they may have changed in the store since."""
        found = []
        for cached in core.caches[RESOURCE_QUOTAS].list(namespace).items:
            newer = self._newer.get(cached.key)
            if newer is not None and resource_version_of(newer.obj) > cached.revision:
                found.append(newer)
            else:
                self._newer.pop(cached.key, None)
                found.append(self._read.of(cached))
        return found

    async def refresh(self, core: Core, namespace: str, names: Iterable[str]) -> set[str]:
        """Reads the quotas from the store; the names of those that are gone. Raises StoreError."""
        gone = set()
        for name in names:
            found = await core.store.get(storage_key(RESOURCE_QUOTAS, namespace, name))
            if found is None:
                gone.add(name)
            else:
                self._remember(found)
        return gone

    async def write(self, core: Core, before: Mapping[str, Quota], after: Mapping[str, Quota]) -> None:
        """Writes the usage of every quota that changed, all or none. Raises Overtaken, StoreError."""
        done: list[str] = []
        try:
            for name in sorted(after):
                if after[name] is not before[name]:
                    await self._swap(core, after[name])
                    done.append(name)
        except BaseException:
            for name in done:
                await self.give_back(core, after[name], subtract(after[name].used, before[name].used))
            raise

    async def give_back(self, core: Core, quota: Quota, amounts: Amounts) -> None:
        """Takes ``amounts`` from a quota's usage, which may have changed since; a failure is logged, never raised."""
        try:
            for _ in range(GIVE_BACK_ATTEMPTS):
                current = self._newer.get(_key(quota), quota)
                used = mask(subtract(current.used, amounts), current.used)
                try:
                    await self._swap(core, current.with_used(used))
                    return
                except Overtaken as overtaken:
                    if overtaken.gone:
                        return
        except StoreError as error:
            log.warning("Quota was not given back, the controller will count anew", quota=_key(quota), error=str(error))

    async def _swap(self, core: Core, quota: Quota) -> None:
        namespace = namespace_of(quota.obj)
        key = storage_key(RESOURCE_QUOTAS, namespace, quota.name)
        obj = {**quota.obj, "status": {**(quota.obj.get("status") or {}), "used": written(quota.used)}}
        value = encode(obj)
        try:
            revision = await core.store.update(key, value, expected_revision=resource_version_of(quota.obj))
        except RevisionMismatch as mismatch:
            if mismatch.current is not None:
                self._remember(mismatch.current)
            raise Overtaken(quota.name, gone=mismatch.current is None) from None
        core.caches[RESOURCE_QUOTAS].written(_key(quota), value, revision)
        meta = {**metadata(obj), "resourceVersion": str(revision)}
        self._newer[_key(quota)] = quota.with_object({**obj, "metadata": meta})

    def _remember(self, stored: KeyValue) -> None:
        if len(self._newer) >= _LIMIT:
            self._newer.clear()
        quota = Quota.read(decode(stored.value, stored.revision))
        self._newer[_key(quota)] = quota


def _key(quota: Quota) -> str:
    return join_key(namespace_of(quota.obj), quota.name)
