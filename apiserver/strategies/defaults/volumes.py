"""Defaults of a pod's volumes and of the field selectors in them and in environment variables."""

from __future__ import annotations

import re

from apiserver.strategies.defaults.filling import each, filled, nested, within
from apiserver.strategies.defaults.persistent_volumes import default_persistent_volume_claim_spec
from minikube_py.api.meta import Object

_MODE = {"defaultMode": 0o644}
_TOKEN_LIFETIME = {"expirationSeconds": 3600}
_AZURE_DISK = {"cachingMode": "ReadWrite", "kind": "Shared", "fsType": "ext4", "readOnly": False}
_SCALE_IO = {"storageMode": "ThinProvisioned", "fsType": "xfs"}
_TAG = re.compile(r":[\w][\w.-]*$")
_ISCSI = {"iscsiInterface": "default"}
_RBD = {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"}


def default_volume(volume: Object) -> Object:
    """A volume with its source's defaults; one without a source is an ``emptyDir``."""
    if not any(isinstance(value, dict) for value in volume.values()):
        return {**volume, "emptyDir": {}}
    volume = within(volume, "secret", lambda source: filled(source, _MODE))
    volume = within(volume, "configMap", lambda source: filled(source, _MODE))
    volume = within(volume, "downwardAPI", lambda source: filled(_default_downward_api(source), _MODE))
    volume = within(volume, "projected", _default_projected)
    volume = within(volume, "iscsi", lambda source: filled(source, _ISCSI))
    volume = within(volume, "rbd", lambda source: filled(source, _RBD))
    volume = within(volume, "azureDisk", lambda source: filled(source, _AZURE_DISK))
    volume = within(volume, "scaleIO", lambda source: filled(source, _SCALE_IO))
    volume = within(volume, "image", _default_image)
    volume = within(volume, "ephemeral", _default_ephemeral)
    return within(volume, "hostPath", _default_host_path)


def default_pull_policy(image: str) -> str:
    """``Always`` for the tag ``latest`` or none, ``IfNotPresent`` for any other tag and for a digest."""
    if not image or "@" in image:
        return "IfNotPresent"
    tag = _TAG.search(image)
    return "Always" if tag is None or tag.group() == ":latest" else "IfNotPresent"


def default_field_selectors(source: Object) -> Object:
    """``fieldRef.apiVersion`` and ``resourceFieldRef.divisor`` of an environment source or a downward-API item."""
    source = within(source, "fieldRef", lambda ref: filled(ref, {"apiVersion": "v1"}))
    return within(source, "resourceFieldRef", lambda ref: filled(ref, {"divisor": "0"}))


def _default_image(source: Object) -> Object:
    return filled(source, {"pullPolicy": default_pull_policy(source.get("reference") or "")})


def _default_ephemeral(source: Object) -> Object:
    def default_template(template: Object) -> Object:
        return nested(template, "spec", default_persistent_volume_claim_spec)

    return within(source, "volumeClaimTemplate", default_template)


def _default_host_path(source: Object) -> Object:
    return source if source.get("type") is not None else {**source, "type": ""}


def _default_downward_api(source: Object) -> Object:
    return each(source, "items", default_field_selectors)


def _default_projected(source: Object) -> Object:
    return filled(each(source, "sources", _default_projection), _MODE)


def _default_projection(projection: Object) -> Object:
    projection = within(projection, "serviceAccountToken", lambda token: filled(token, _TOKEN_LIFETIME))
    return within(projection, "downwardAPI", _default_downward_api)
