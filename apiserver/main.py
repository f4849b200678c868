"""The API server process: its parts are made here, and nowhere else."""

from __future__ import annotations

import asyncio
import importlib
from functools import lru_cache
from pathlib import Path
from random import SystemRandom

import structlog

from apiserver.admission import default_chain
from apiserver.allocation.allocator import Allocator
from apiserver.allocation.ranges import Addresses, Ports
from apiserver.allocation.services import ServiceAllocation
from apiserver.app import make_app
from apiserver.audit.auditor import make_auditor
from apiserver.authn.authenticator import Authenticator
from apiserver.authn.bootstrap_tokens import BootstrapTokens
from apiserver.authn.tokens import TokenIssuer
from apiserver.authz.authorizer import Authorizer
from apiserver.authz.node import NodeAuthorizer
from apiserver.authz.rbac import Rbac
from apiserver.bootstrap import bootstrap, keep
from apiserver.bootstrap.kubernetes_service import stop_advertising
from apiserver.core import Core
from apiserver.flow_control.controller import FlowControl
from apiserver.identifiers import new_uuid
from apiserver.measured import MeasuredStore
from apiserver.memory import settle
from apiserver.metrics import Metrics
from apiserver.server import listen, make_server
from apiserver.settings import Settings
from apiserver.storage.cache import WatchCache
from apiserver.storage.compactor import run_compactor
from apiserver.storage.hub import WatchHub
from apiserver.storage.store import Store, StoreError, Unreadable
from apiserver.storage.subscription import SlowReader
from apiserver.strategies import strategy_for
from apiserver.streaming.kubelet import KubeletClient
from minikube_py.api.errors import ApiError
from minikube_py.api.resources import (
    BUILT_IN,
    FLOW_SCHEMAS,
    PRIORITY_LEVEL_CONFIGURATIONS,
    SECRETS,
    ResourceTable,
    minor_of,
)
from minikube_py.api.schema import Schemas
from minikube_py.runtime.clock import Clock, RealClock
from minikube_py.runtime.tasks import Tasks

CACHE_TIMEOUT_SECONDS = 60.0
"""How long a starting server waits for etcd."""
BOOTSTRAP_SECONDS = 10.0
"""How long a starting server tries to write what a cluster begins with."""
log = structlog.get_logger("apiserver")

__all__ = ["Settings", "make_core", "prepare", "run"]


def make_store(settings: Settings) -> Store:
    """The store that the settings name. Raises InvalidEncryptionConfiguration."""
    store: Store
    if settings.etcd_servers == ["memory"]:
        from apiserver.storage.memory import MemoryStore

        store = MemoryStore()
    else:
        from apiserver.storage.etcd import EtcdStore
        from apiserver.storage.etcd_calls import EtcdTls

        tls: EtcdTls | None = None
        if settings.etcd_cafile:
            tls = EtcdTls(settings.etcd_cafile, settings.etcd_certfile, settings.etcd_keyfile)
        store = EtcdStore(settings.etcd_servers, tls=tls)
    if not settings.encryption_provider_config:
        return store
    from apiserver.storage.encryption.config import load
    from apiserver.storage.encryption.store import EncryptedStore

    return EncryptedStore(store, load(settings.encryption_provider_config))


def make_core(
    settings: Settings,
    store: Store,
    hub: WatchHub,
    *,
    clock: Clock,
    table: ResourceTable | None = None,
    metrics: Metrics | None = None,
) -> Core:
    """Every part of the server, unconnected to any port."""
    random = SystemRandom()
    if table is None:
        table = BUILT_IN.presented(minor_of(settings.kubernetes_version))
    caches = {
        row: WatchCache(hub, row, fields_of=strategy_for(row).fields, monotonic=clock.monotonic)
        for row in table.storage_rows
    }
    caches |= {row: caches[table.stored(row)] for row in table.rows if row.persisted and row.stored_as}
    tokens = TokenIssuer(
        public_key_pem=Path(settings.service_account_key_file).read_bytes(),
        private_key_pem=Path(settings.service_account_signing_key_file).read_bytes(),
        issuer=settings.service_account_issuer,
        caches=caches,
        clock=clock,
    )
    metrics = metrics or Metrics()
    return Core(
        settings=settings,
        table=table,
        schemas=_schemas(settings.minor),
        store=store,
        caches=caches,
        clock=clock,
        random=random,
        new_uid=new_uuid,
        admission=default_chain(metrics),
        authenticator=Authenticator(tokens, BootstrapTokens(caches[SECRETS], clock), clock, metrics),
        authorizer=Authorizer(NodeAuthorizer(caches), Rbac(caches), metrics),
        flow_control=FlowControl(
            caches.get(FLOW_SCHEMAS),
            caches.get(PRIORITY_LEVEL_CONFIGURATIONS),
            seats=settings.max_requests_inflight + settings.max_mutating_requests_inflight,
            wait_seconds=settings.request_timeout_seconds / 4,
            registry=metrics.registry,
        ),
        tokens=tokens,
        allocation=ServiceAllocation(
            Allocator(store, Addresses(settings.service_network), random, clock),
            Allocator(store, Ports(settings.node_ports), random, clock),
        ),
        metrics=metrics,
        kubelets=KubeletClient(settings),
        auditor=make_auditor(settings, clock, metrics.registry),
    )


def prepare(settings: Settings) -> None:
    """What is done once for several workers, before they are forked: modules and data that all of them need.

    Raises OSError where the port is taken, which workers that share it would not notice.
    """
    listen(settings).close()
    for module in ("apiserver.storage.etcd", "apiserver.nonresource", "apiserver.openapi", "apiserver.table"):
        importlib.import_module(module)
    _schemas(settings.minor)


@lru_cache(maxsize=1)
def _schemas(minor: str) -> Schemas:
    return Schemas(minor)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serves until ``stop`` is set. Raises what keeps it from starting: a bad certificate, a port in use, no etcd."""
    listening = listen(settings, shared=settings.workers > 1)
    metrics = Metrics(process=True)
    store = MeasuredStore(make_store(settings), metrics.etcd, metrics.etcd_errors)
    tasks = Tasks()
    core: Core | None = None
    try:
        hub = WatchHub(store)
        core = make_core(settings, store, hub, clock=RealClock(), metrics=metrics)
        server = make_server(make_app(core), settings, stop)
        tasks.start("watch-hub", hub.run(), critical=True)
        await fill_caches(core)
        await _bootstrap(core)
        core.bootstrapped = True
        tasks.start("fill-caches", keep_filled(core, hub), critical=True)
        tasks.start("keep", keep(core))
        tasks.start("compactor", run_compactor(store))
        tasks.start("end-watches", _end_watches(core, stop), critical=True)
        settle()
        serving = tasks.start("server", server.serve([listening]), critical=True)
        log.info("Serving", address=settings.bind_address, port=listening.getsockname()[1])
        await tasks.run_until(stop)
        await stop_advertising(core)
        await asyncio.wait((serving,), timeout=settings.shutdown_seconds + 1)
    finally:
        await tasks.cancel_all()
        listening.close()
        if core is not None:
            await core.kubelets.close()
            if core.auditor is not None:
                core.auditor.close()
        await store.close()


async def _bootstrap(core: Core) -> None:
    """Bootstraps, again where several servers that start at once have been in each other's way."""
    deadline = core.clock.monotonic() + BOOTSTRAP_SECONDS
    while True:
        try:
            await bootstrap(core)
            return
        except (ApiError, StoreError) as error:
            if core.clock.monotonic() >= deadline:
                raise
            log.warning("Could not write what a cluster begins with, trying again", error=str(error))
            await core.clock.sleep(0.2)


async def keep_filled(core: Core, hub: WatchHub) -> None:
    """Fills the caches that have been reset: those of roles, say, are looked at without waiting for them."""
    while True:
        await hub.was_reset.wait()
        hub.was_reset.clear()
        try:
            await fill_caches(core)
        except StoreError as error:
            log.warning("Could not fill the watch caches, trying again", error=str(error))
            hub.was_reset.set()


async def fill_caches(core: Core) -> None:
    """Fills every watch cache but those of kinds that can't be decrypted.

    Raises StoreError where one cannot be filled in a minute; the others are then.
    """
    deadline = core.clock.monotonic() + CACHE_TIMEOUT_SECONDS
    waiting = list(core.caches.values())
    while True:
        failed: dict[WatchCache, StoreError] = {}
        for cache in waiting:
            try:
                await cache.ready(max(deadline - core.clock.monotonic(), 0.1))
            except Unreadable as error:
                # Its kind answers 500 until somebody gives the key; the others are served.
                log.error("Kind can't be decrypted", kind=cache.resource.qualified, error=str(error))
            except StoreError as error:
                failed[cache] = error
        if not failed:
            return
        waiting, first = list(failed), next(iter(failed.values()))
        if core.clock.monotonic() >= deadline:
            raise first
        log.warning("Waiting for etcd", caches=len(failed), error=str(first))
        await core.clock.sleep(0.5)


async def _end_watches(core: Core, stop: asyncio.Event) -> None:
    """Ends every watch when the server is told to stop, so that clients go on with another server at once."""
    await stop.wait()
    core.stopping = True
    for subscription in tuple(core.watches):
        subscription.cut_off(SlowReader("the server is stopping"))
