"""The subresources that many kinds share."""

from __future__ import annotations

from minikube_py.api.resources.model import Subresource

READ_WRITE = ("get", "patch", "update")
STREAM = ("create", "get")
FORWARDED = ("create", "delete", "get", "patch", "update")

STATUS = Subresource("status", READ_WRITE)
SCALE = Subresource("scale", READ_WRITE, kind="Scale", group="autoscaling", version="v1")
