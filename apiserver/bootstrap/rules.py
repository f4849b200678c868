"""How policy data is written: rules as lists of words."""

from __future__ import annotations

from minikube_py.api.meta import Object

READ = "get list watch"
WRITE = "create delete deletecollection patch update"


def rule(verbs: str, groups: str, resources: str, names: str = "") -> Object:
    """A rule for resources. Each argument is a list of words; groups are parted by ``|``, the core group is empty."""
    made: Object = {"verbs": verbs.split(), "apiGroups": groups.split("|"), "resources": resources.split()}
    return made | {"resourceNames": names.split()} if names else made


def urls(verbs: str, paths: str) -> Object:
    """A rule for paths; both are words."""
    return {"verbs": verbs.split(), "nonResourceURLs": paths.split()}


EVENTS = rule("create patch update", "|events.k8s.io", "events")
TOKEN_REVIEWS = rule("create", "authentication.k8s.io", "tokenreviews")
ACCESS_REVIEWS = rule("create", "authorization.k8s.io", "subjectaccessreviews")
