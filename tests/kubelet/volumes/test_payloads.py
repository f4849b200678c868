from __future__ import annotations

import base64

import pytest

from kubelet.volumes.config_map import ConfigMapVolume
from kubelet.volumes.downward_api import DownwardApiVolume
from kubelet.volumes.plugin import File, Materials, PayloadPlugin, TokenReference, VolumeError
from kubelet.volumes.projected import ProjectedVolume
from kubelet.volumes.secret import SecretVolume
from minikube_py.api.meta import Object

POD: Object = {
    "metadata": {"name": "p", "namespace": "ns", "labels": {"b": "2", "a": "1"}},
    "spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "250m"}}}]},
}
MATERIALS = Materials(
    config_maps={"cm": {"data": {"x": "1", "y": "2"}, "binaryData": {"z": base64.b64encode(b"\x00").decode()}}},
    secrets={"s": {"data": {"k": base64.b64encode(b"v").decode()}}},
    tokens={TokenReference("", 3600): "the-token"},
)


@pytest.mark.parametrize(
    ("plugin", "source", "expected"),
    [
        pytest.param(
            ConfigMapVolume(),
            {"name": "cm"},
            {"x": File(b"1", 0o644), "y": File(b"2", 0o644), "z": File(b"\x00", 0o644)},
            id="every key of a ConfigMap",
        ),
        pytest.param(
            ConfigMapVolume(),
            {"name": "cm", "defaultMode": 0o400, "items": [{"key": "x", "path": "d/x"}]},
            {"d/x": File(b"1", 0o400)},
            id="chosen keys in the default mode",
        ),
        pytest.param(
            ConfigMapVolume(),
            {"name": "cm", "items": [{"key": "x", "path": "x", "mode": 0o600}]},
            {"x": File(b"1", 0o600)},
            id="an item's own mode",
        ),
        pytest.param(ConfigMapVolume(), {"name": "none", "optional": True}, {}, id="an optional ConfigMap"),
        pytest.param(SecretVolume(), {"secretName": "s"}, {"k": File(b"v", 0o644)}, id="a Secret"),
        pytest.param(
            DownwardApiVolume(),
            {
                "items": [
                    {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                    {
                        "path": "cpu",
                        "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu", "divisor": "1m"},
                    },
                ]
            },
            {"labels": File(b'a="1"\nb="2"', 0o644), "cpu": File(b"250", 0o644)},
            id="the downward API",
        ),
        pytest.param(
            ProjectedVolume(),
            {
                "sources": [
                    {"serviceAccountToken": {"path": "token"}},
                    {"configMap": {"name": "cm", "items": [{"key": "x", "path": "x"}]}},
                    {"secret": {"name": "s"}},
                    {"downwardAPI": {"items": [{"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
                ]
            },
            {
                "token": File(b"the-token", 0o644),
                "x": File(b"1", 0o644),
                "k": File(b"v", 0o644),
                "ns": File(b"ns", 0o644),
            },
            id="everything projected",
        ),
    ],
)
def test_files(plugin: PayloadPlugin, source: Object, expected: dict[str, File]) -> None:
    assert plugin.payload(POD, source, MATERIALS) == expected


@pytest.mark.parametrize(
    ("plugin", "source", "message"),
    [
        pytest.param(ConfigMapVolume(), {"name": "none"}, 'configmap "none" not found', id="no ConfigMap"),
        pytest.param(SecretVolume(), {"secretName": "none"}, 'secret "none" not found', id="no Secret"),
        pytest.param(
            ConfigMapVolume(),
            {"name": "cm", "items": [{"key": "q", "path": "q"}]},
            "configmap references non-existent config key: q",
            id="no key in the ConfigMap",
        ),
        pytest.param(
            SecretVolume(),
            {"secretName": "s", "items": [{"key": "q", "path": "q"}]},
            "references non-existent secret key: q",
            id="no key in the Secret",
        ),
        pytest.param(
            ProjectedVolume(),
            {"sources": [{"clusterTrustBundle": {}}]},
            "unsupported projection clusterTrustBundle",
            id="a projection that is not supported",
        ),
    ],
)
def test_what_is_missing_is_named(plugin: PayloadPlugin, source: Object, message: str) -> None:
    with pytest.raises(VolumeError, match=f"^{message}$"):
        plugin.payload(POD, source, MATERIALS)


def test_a_token_is_for_one_user_where_the_pod_names_one() -> None:
    pod = {**POD, "spec": {**POD["spec"], "securityContext": {"runAsUser": 1000}}}
    source = {"sources": [{"serviceAccountToken": {"path": "token"}}]}
    assert ProjectedVolume().payload(pod, source, MATERIALS)["token"] == File(b"the-token", 0o600, 1000)


def test_references() -> None:
    source = {"sources": [{"configMap": {"name": "cm"}}, {"serviceAccountToken": {"path": "t", "audience": "vault"}}]}
    needed = ProjectedVolume().references(source)
    assert needed.config_maps == {"cm"}
    assert needed.tokens == {TokenReference("vault", 3600)}
