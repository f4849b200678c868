"""The Docker Engine adapter of the container runtime protocol. Only this package speaks the Engine API."""

from kubelet.docker.runtime import DockerRuntime

__all__ = ["DockerRuntime"]
