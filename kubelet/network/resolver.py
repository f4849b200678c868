"""The pod's ``/etc/resolv.conf`` by its DNS policy. Pure; follows upstream's ``pkg/kubelet/network/dns``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubelet.pod import describe
from minikube_py.api.meta import Object, namespace_of

MOST_NAMESERVERS = 3
MOST_SEARCH_PATHS = 32
MOST_SEARCH_CHARACTERS = 2048
CLUSTER_FIRST_OPTIONS = ("ndots:5",)


@dataclass(frozen=True, slots=True)
class ResolverConfig:
    """Name servers, search list and options, in file order."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def text(self) -> str:
        """The file."""
        lines = [f"nameserver {server}" for server in self.nameservers]
        if self.searches:
            lines.insert(0, "search " + " ".join(self.searches))
        if self.options:
            lines.append("options " + " ".join(self.options))
        return "\n".join(lines) + "\n" if lines else ""


@dataclass(frozen=True, slots=True)
class PodResolver:
    """What the pod gets, and warnings for the pod's events: (reason, message)."""

    config: ResolverConfig
    warnings: tuple[tuple[str, str], ...] = ()


def parse_resolv_conf(text: str) -> ResolverConfig:
    """The host's file; as in the C library the last ``search`` or ``options`` line wins."""
    nameservers: list[str] = []
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split("#", 1)[0].split(";", 1)[0].split()
        if len(words) < 2:
            if words == ["search"]:
                searches = ()
            continue
        match words[0]:
            case "nameserver":
                nameservers.append(words[1])
            case "search" | "domain":
                searches = tuple(word if word == "." else word.removesuffix(".") for word in words[1:])
            case "options":
                options = tuple(words[1:])
    return ResolverConfig(tuple(nameservers), searches, options)


def pod_resolver(pod: Object, host: ResolverConfig, cluster_dns: Sequence[str], cluster_domain: str) -> PodResolver:
    """The settings for ``spec.dnsPolicy`` and ``spec.dnsConfig``, within the C library's limits."""
    spec = pod["spec"]
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    warnings: list[tuple[str, str]] = []
    if policy == "ClusterFirst" and spec.get("hostNetwork"):
        policy = "Default"
    if policy in ("ClusterFirst", "ClusterFirstWithHostNet") and not cluster_dns:
        warnings.append(
            (
                "MissingClusterDNS",
                f'pod: "{describe(pod)}". kubelet does not have ClusterDNS IP configured and cannot create Pod using '
                f'"{policy}" policy. Falling back to "Default" policy.',
            )
        )
        policy = "Default"
    match policy:
        case "None":
            config = ResolverConfig()
        case "Default":
            config = host
        case _:
            config = ResolverConfig(
                tuple(cluster_dns),
                _unique([*_cluster_searches(pod, cluster_domain), *host.searches]),
                _merged_options(host.options, CLUSTER_FIRST_OPTIONS),
            )
    config = _with_dns_config(config, spec.get("dnsConfig") or {})
    return _within_limits(config, warnings)


def _cluster_searches(pod: Object, cluster_domain: str) -> list[str]:
    if not cluster_domain:
        return []
    return [f"{namespace_of(pod)}.svc.{cluster_domain}", f"svc.{cluster_domain}", cluster_domain]


def _with_dns_config(config: ResolverConfig, dns_config: Object) -> ResolverConfig:
    added = tuple(
        f"{option['name']}:{option['value']}" if option.get("value") else option["name"]
        for option in dns_config.get("options") or []
    )
    return ResolverConfig(
        _unique([*config.nameservers, *(dns_config.get("nameservers") or [])]),
        _unique([*config.searches, *(dns_config.get("searches") or [])]),
        _merged_options(config.options, added),
    )


def _merged_options(options: Sequence[str], overriding: Sequence[str]) -> tuple[str, ...]:
    named = {option.partition(":")[0]: option for option in options}
    named.update({option.partition(":")[0]: option for option in overriding})
    return tuple(named.values())


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _within_limits(config: ResolverConfig, warnings: list[tuple[str, str]]) -> PodResolver:
    nameservers = config.nameservers[:MOST_NAMESERVERS]
    if len(nameservers) < len(config.nameservers):
        warnings.append(
            (
                "DNSConfigForming",
                "Nameserver limits were exceeded, some nameservers have been omitted, "
                f"the applied nameserver line is: {' '.join(nameservers)}",
            )
        )
    searches = config.searches[:MOST_SEARCH_PATHS]
    while len(" ".join(searches)) > MOST_SEARCH_CHARACTERS:
        searches = searches[:-1]
    if len(searches) < len(config.searches):
        warnings.append(
            (
                "DNSConfigForming",
                "Search Line limits were exceeded, some search paths have been omitted, "
                f"the applied search line is: {' '.join(searches)}",
            )
        )
    return PodResolver(ResolverConfig(nameservers, searches, config.options), tuple(warnings))
