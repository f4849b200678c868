"""``minikube-py image load`` and ``ls``: images on the cluster's hosts, with no registry."""

from __future__ import annotations

from pathlib import Path

from minikube_py.cluster.failures import SettingsError
from minikube_py.cluster.host import connect_docker
from minikube_py.cluster.settings import ClusterSettings


def load(settings: ClusterSettings, file: Path) -> None:
    """Loads an archive made by ``docker save``.

    Raises SettingsError for a file that is not one, DockerUnreachable.
    """
    from docker.errors import DockerException

    client = connect_docker(settings)
    try:
        with open(file, "rb") as archive:
            images = client.images.load(archive)
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror}") from error
    except DockerException as error:
        raise SettingsError(f"{file} can't be loaded (is it an archive made by 'docker save'?): {error}") from error
    for image in images:
        for tag in image.tags or [str(image.id)]:
            print(f"Loaded {tag}")


def list_images(settings: ClusterSettings) -> None:
    """Prints the images on this host: name, short id, size. Raises DockerUnreachable."""
    images = connect_docker(settings).images.list()
    rows = sorted(
        (tag, str(image.short_id).removeprefix("sha256:"), int(image.attrs.get("Size", 0)))
        for image in images
        for tag in image.tags or ["<none>"]
    )
    width = max([len(row[0]) for row in rows], default=0) + 2
    print(f"{'IMAGE':<{max(width, 7)}}{'ID':<14}SIZE")
    for tag, identity, size in rows:
        print(f"{tag:<{max(width, 7)}}{identity:<14}{size / 1e6:.1f} MB")
