"""``projected`` volumes: service-account tokens, configMaps, secrets and the downward API in one directory. Pure."""

from __future__ import annotations

from kubelet.volumes.config_map import config_map_files
from kubelet.volumes.downward_api import downward_api_files
from kubelet.volumes.plugin import File, Materials, TokenReference, VolumeError, VolumeReferences, default_mode
from kubelet.volumes.secret import secret_files
from minikube_py.api.meta import Object

DEFAULT_TOKEN_SECONDS = 3600
TOKEN_MODE_FOR_ONE_USER = 0o600


class ProjectedVolume:
    """Several sources side by side; a later source wins a path."""

    directory = "kubernetes.io~projected"
    in_memory = True

    def references(self, source: Object) -> VolumeReferences:
        """What all sources need."""
        needed = VolumeReferences()
        for projection in source.get("sources") or []:
            if "configMap" in projection:
                needed |= VolumeReferences(config_maps=frozenset({projection["configMap"].get("name", "")}))
            elif "secret" in projection:
                needed |= VolumeReferences(secrets=frozenset({projection["secret"].get("name", "")}))
            elif "serviceAccountToken" in projection:
                needed |= VolumeReferences(tokens=frozenset({_token(projection["serviceAccountToken"])}))
        return needed

    def payload(self, pod: Object, source: Object, materials: Materials) -> dict[str, File]:
        """The files of all sources. Raises VolumeError, also for a projection of another kind."""
        mode = default_mode(source)
        files: dict[str, File] = {}
        for projection in source.get("sources") or []:
            if "configMap" in projection:
                files.update(config_map_files(projection["configMap"], materials, mode))
            elif "secret" in projection:
                files.update(secret_files(projection["secret"], materials, mode))
            elif "downwardAPI" in projection:
                files.update(downward_api_files(pod, projection["downwardAPI"].get("items") or [], materials, mode))
            elif "serviceAccountToken" in projection:
                token = projection["serviceAccountToken"]
                files[token["path"]] = _token_file(pod, materials.tokens.get(_token(token)), mode)
            else:
                raise VolumeError(f"unsupported projection {', '.join(sorted(projection))}")
        return files


def _token(projection: Object) -> TokenReference:
    return TokenReference(
        projection.get("audience", ""), int(projection.get("expirationSeconds") or DEFAULT_TOKEN_SECONDS)
    )


def _token_file(pod: Object, token: str | None, mode: int) -> File:
    if token is None:
        raise VolumeError("failed to fetch token")
    owner = _only_user(pod)
    if owner is not None or (pod["spec"].get("securityContext") or {}).get("fsGroup") is not None:
        mode = TOKEN_MODE_FOR_ONE_USER
    return File(token.encode(), mode, owner)


def _only_user(pod: Object) -> int | None:
    """The user that all containers run as where the spec says so, or None."""
    spec = pod["spec"]
    pod_user = (spec.get("securityContext") or {}).get("runAsUser")
    users = {
        (container.get("securityContext") or {}).get("runAsUser", pod_user)
        for container in (*(spec.get("initContainers") or []), *(spec.get("containers") or []))
    }
    if len(users) != 1:
        return None
    user = users.pop()
    return None if user is None else int(user)
