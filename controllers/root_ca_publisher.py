"""The root CA publisher: every namespace has the ConfigMap ``kube-root-ca.crt``, as pods' projected volumes expect."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from controllers.actions import Create, Update
from controllers.perform import Performer
from minikube_py.api.meta import Object, annotations_of, is_deleting, metadata, name_of, namespace_of
from minikube_py.api.resources import CONFIG_MAPS, NAMESPACES
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAME = "kube-root-ca.crt"
DATA_KEY = "ca.crt"
DESCRIPTION = "kubernetes.io/description"
DESCRIPTION_TEXT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


@dataclass(frozen=True, slots=True)
class Observation:
    """A namespace, its ConfigMap if there is one, and what that is to hold."""

    namespace: Object
    config_map: Object | None
    root_ca: str


def sync(observation: Observation) -> tuple[Create | Update, ...]:
    """Creates what is missing and puts right what was changed."""
    if is_deleting(observation.namespace):
        return ()
    data = {DATA_KEY: observation.root_ca}
    present = observation.config_map
    if present is None:
        meta: Object = {
            "name": NAME,
            "namespace": name_of(observation.namespace),
            "annotations": {DESCRIPTION: DESCRIPTION_TEXT},
        }
        created = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        return (Create(CONFIG_MAPS, created, ignore_existing=True),)
    if present.get("data") == data and annotations_of(present).get(DESCRIPTION):
        return ()
    meta = {**metadata(present), "annotations": annotations_of(present) | {DESCRIPTION: DESCRIPTION_TEXT}}
    return (Update(CONFIG_MAPS, {**present, "metadata": meta, "data": data}),)


class RootCaPublisher:
    """Works namespace by namespace; without ``root_ca_file`` not at all. Raises OSError where that can't be read."""

    def __init__(self, context: ControllerContext) -> None:
        if not context.settings.root_ca_file:
            return
        self._root_ca = Path(context.settings.root_ca_file).read_text(encoding="ascii")
        self._namespaces = context.informers.informer(NAMESPACES)
        self._config_maps = context.informers.informer(CONFIG_MAPS, field_selector=f"metadata.name={NAME}")
        self._queue = WorkQueue("root-ca-cert-publisher", context.clock)
        writes = Writes(context.clock, self._config_maps)
        self._performer = Performer(context.client, writes=writes)
        self._namespaces.add_handler(self._on_namespace)
        self._config_maps.add_handler(self._on_config_map)
        context.add(
            Controller(
                "root-ca-certificate-publisher-controller",
                self._queue,
                self._reconcile,
                context.clock,
                writes=writes,
            )
        )

    def _on_namespace(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(name_of(new))

    def _on_config_map(self, old: Object | None, new: Object | None) -> None:
        self._queue.add(namespace_of(new or old or {}))

    async def _reconcile(self, key: str) -> float | None:
        namespace = self._namespaces.get(key)
        if namespace is None:
            return None
        observation = Observation(namespace, self._config_maps.get(f"{key}/{NAME}"), self._root_ca)
        return await self._performer.perform(key, sync(observation))
