"""The pod's host name and domain. Pure; follows upstream's ``GeneratePodHostNameAndDomain``."""

from __future__ import annotations

from minikube_py.api.meta import Object, name_of, namespace_of

_LONGEST_HOSTNAME = 63


def hostname_and_domain(pod: Object, cluster_domain: str) -> tuple[str, str]:
    """The host name, cut to what a kernel takes, and the subdomain in full (empty without ``spec.subdomain``)."""
    spec = pod.get("spec") or {}
    hostname = spec.get("hostname") or name_of(pod)[:_LONGEST_HOSTNAME].rstrip("-.")
    subdomain = spec.get("subdomain")
    domain = f"{subdomain}.{namespace_of(pod)}.svc.{cluster_domain}" if subdomain else ""
    if domain and spec.get("setHostnameAsFQDN"):
        return f"{hostname}.{domain}", domain
    return hostname, domain
