"""The interpreter of the root CA publisher: informers in, requests out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from controllers.perform import Performer
from controllers.root_ca_publisher.sync import CONFIG_MAP_NAME, Observation, sync
from minikube_py.api.meta import Object, join_key, name_of, namespace_of
from minikube_py.api.resources import CONFIG_MAPS, NAMESPACES
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

NAME = "root-ca-certificate-publisher-controller"


class RootCaPublisherController:
    """Keeps the API server's CA certificate published in every active namespace.

    Without the setting ``root_ca_file`` there is nothing to publish and it does not run. Raises OSError where that
    file can't be read.
    """

    def __init__(self, context: ControllerContext) -> None:
        if not context.settings.root_ca_file:
            return
        self._root_ca = Path(context.settings.root_ca_file).read_text(encoding="ascii")
        self._namespaces = context.informers.informer(NAMESPACES)
        # Users' ConfigMaps may be many and large, and none of them matters here.
        self._config_maps = context.informers.informer(CONFIG_MAPS, field_selector=f"metadata.name={CONFIG_MAP_NAME}")
        self._queue = WorkQueue("root_ca_cert_publisher", context.clock)
        writes = Writes(context.clock, self._config_maps)
        self._performer = Performer(context.client, writes=writes)
        self._namespaces.add_handler(self._on_namespace)
        self._config_maps.add_handler(self._on_config_map)
        context.add(Controller(NAME, self._queue, self._reconcile, context.clock, writes=writes))

    def _on_namespace(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(name_of(new))

    def _on_config_map(self, old: Object | None, new: Object | None) -> None:
        if old is not None:
            self._queue.add(namespace_of(old))

    async def _reconcile(self, key: str) -> float | None:
        config_map = self._config_maps.get(join_key(key, CONFIG_MAP_NAME))
        return await self._performer.perform(
            key, sync(Observation(self._namespaces.get(key), config_map, self._root_ca))
        )
