"""What a namespace's ConfigMap ``kube-root-ca.crt`` needs next; pure."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.actions import Create, Update
from controllers.service_account.sync import is_active
from minikube_py.api.meta import Object, annotations_of, metadata, name_of
from minikube_py.api.resources import CONFIG_MAPS

CONFIG_MAP_NAME = "kube-root-ca.crt"
DESCRIPTION_ANNOTATION = "kubernetes.io/description"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


@dataclass(frozen=True, slots=True)
class Observation:
    """A namespace, its ConfigMap, and the certificate (PEM) that is to be in it."""

    namespace: Object | None
    config_map: Object | None
    root_ca: str


def sync(observation: Observation) -> tuple[Create | Update, ...]:
    """Create the ConfigMap, or put right its data and description; other metadata are left alone."""
    namespace, config_map = observation.namespace, observation.config_map
    if namespace is None or not is_active(namespace):
        return ()
    data = {"ca.crt": observation.root_ca}
    description = {DESCRIPTION_ANNOTATION: DESCRIPTION}
    if config_map is None:
        created = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": CONFIG_MAP_NAME, "namespace": name_of(namespace), "annotations": description},
            "data": data,
        }
        return (Create(CONFIG_MAPS, created, ignore_existing=True),)
    annotations = annotations_of(config_map)
    if config_map.get("data") == data and annotations.get(DESCRIPTION_ANNOTATION) == DESCRIPTION:
        return ()
    told = {**metadata(config_map), "annotations": {**annotations, **description}}
    return (Update(CONFIG_MAPS, {**config_map, "metadata": told, "data": data}),)
