"""What the handlers work with: the server's parts, made once by :mod:`apiserver.main`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from apiserver.context import UserInfo
from apiserver.storage.store import storage_key
from apiserver.strategies import Strategy, StrategyContext, strategy_for
from minikube_py.api.resources import Resource, ResourceTable

if TYPE_CHECKING:
    from apiserver.admission.chain import AdmissionChain
    from apiserver.allocation.services import ServiceAllocation
    from apiserver.audit.auditor import Auditor
    from apiserver.authn.authenticator import Authenticator
    from apiserver.authn.tokens import TokenIssuer
    from apiserver.authz.authorizer import Authorizer
    from apiserver.flow_control.controller import FlowControl
    from apiserver.metrics import Metrics
    from apiserver.settings import Settings
    from apiserver.storage.cache import WatchCache
    from apiserver.storage.store import Store
    from apiserver.storage.subscription import Subscription
    from apiserver.streaming.kubelet import KubeletClient
    from minikube_py.api.schema import Schemas
    from minikube_py.runtime.clock import Clock


@dataclass(slots=True)
class Core:
    """The parts of one API server process."""

    settings: Settings
    table: ResourceTable
    schemas: Schemas
    store: Store
    caches: Mapping[Resource, WatchCache]
    clock: Clock
    random: Random
    new_uid: Callable[[], str]
    admission: AdmissionChain
    authenticator: Authenticator
    authorizer: Authorizer
    flow_control: FlowControl
    tokens: TokenIssuer
    allocation: ServiceAllocation
    metrics: Metrics
    kubelets: KubeletClient
    auditor: Auditor | None = None
    watches: set[Subscription] = field(default_factory=set)
    """The watches that are being answered."""
    bootstrapped: bool = False
    """Whether what the server itself puts into the store is there."""
    stopping: bool = False
    """Whether the server has been told to stop."""


Undo = Callable[[BaseException], Awaitable[None]]
"""Takes back what was done for a write that then failed; told why it failed."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One write, with everything below HTTP that it depends on; also made by the server for itself."""

    core: Core
    user: UserInfo
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    dry_run: bool = False
    warn: Callable[..., None] = lambda *_: None
    field_manager: str = "kube-apiserver"
    """Who manages what is written; the server where it writes for itself."""
    undo: list[Undo] = field(default_factory=list, compare=False, repr=False)
    """What to take back should the write fail: what admission charged."""
    annotate: Callable[[str, str], None] = lambda *_: None
    """Adds an annotation to the request's audit event."""
    requested: Resource | None = None
    """The row by which the client asked, where it is another presentation of the same objects."""

    @property
    def strategy(self) -> Strategy:
        """The strategy of the kind as it was asked for, or of the subresource where that has one of its own."""
        return strategy_for(self.requested or self.resource, self.subresource)

    @property
    def key(self) -> str:
        """The object's key in the store."""
        return storage_key(self.resource, self.namespace, self.name)

    @property
    def qualified_plural(self) -> str:
        """``deployments`` or ``deployments/scale``, as messages name what is not found."""
        return f"{self.resource.plural}/scale" if self.subresource == "scale" else self.resource.plural

    async def take_back(self, error: BaseException) -> None:
        """The write has failed: takes back what was done for it elsewhere."""
        while self.undo:
            await self.undo.pop()(error)

    def strategy_context(self) -> StrategyContext:
        """The request as a strategy sees it."""
        user = self.user
        return StrategyContext(
            self.core.clock.now(), self.core.random, user.name, self.subresource, user.uid, user.groups, user.extra
        )
