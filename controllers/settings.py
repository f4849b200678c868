"""The controller manager's settings, with upstream's names and defaults."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from minikube_py.api.resources import minor_of

Port = Annotated[int, Field(ge=0, le=65535)]
PositiveSeconds = Annotated[float, Field(gt=0)]


class Settings(BaseModel):
    """Settings of the controller manager; an unknown one is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kubeconfig: str = Field(description="Kubeconfig file with the API server's address and this component's identity")
    log_level: str = Field("info", description="debug, info, warning or error")
    bind_address: str = Field("127.0.0.1", description="Address to serve health and metrics on")
    port: Port = Field(10257, description="Port to serve /healthz, /livez, /readyz and /metrics on")
    tls_cert_file: str = Field("", description="Certificate to serve health and metrics with; plain HTTP without one")
    tls_private_key_file: str = Field("", description="Private key of tls_cert_file")
    controllers: list[str] = Field(
        default=["*"], description="Controllers to run: '*' is all of them, 'name' one, '-name' all but that one"
    )
    leader_elect: bool = Field(True, description="Work only while holding the lease kube-controller-manager")
    leader_elect_lease_duration: PositiveSeconds = Field(
        15, description="Seconds after which a lease that is not renewed may be taken over"
    )
    leader_elect_renew_deadline: PositiveSeconds = Field(
        10, description="Seconds within which the leader renews its lease or stops working"
    )
    leader_elect_retry_period: PositiveSeconds = Field(2, description="Seconds between attempts at the lease")
    leader_elect_identity: str = Field(
        "", description="Name under which the lease is held; by default one that lasts over restarts of this process"
    )
    kubernetes_version: str = Field("1.32", description="API level that the API server presents: 1.25 to 1.37")
    root_ca_file: str = Field("", description="CA certificate published as ConfigMap kube-root-ca.crt everywhere")
    cluster_signing_cert_file: str = Field(
        "", description="CA certificate that signed certificates are of; none are signed without it"
    )
    cluster_signing_key_file: str = Field("", description="Private key of cluster_signing_cert_file")
    cluster_signing_duration: PositiveSeconds = Field(
        365 * 24 * 3600, description="Seconds that a signed certificate lasts at most, and if it asks for nothing"
    )
    cluster_cidr: str = Field("10.244.0.0/16", description="Network that nodes' pod networks are taken from")
    node_cidr_mask_size: int = Field(24, ge=8, le=126, description="Prefix length of a node's pod network")
    allocate_node_cidrs: bool = Field(True, description="Give every node a pod network of cluster_cidr")
    node_monitor_grace_period: PositiveSeconds = Field(
        40, description="Seconds without a sign of life after which a node is marked unhealthy"
    )
    node_startup_grace_period: PositiveSeconds = Field(
        60, description="Seconds that a node which has never reported may take"
    )
    node_eviction_rate: PositiveSeconds = Field(0.1, description="Nodes per second that are tainted NoExecute")
    secondary_node_eviction_rate: PositiveSeconds = Field(
        0.01, description="The same for a zone most of whose nodes are unhealthy"
    )
    unhealthy_zone_threshold: float = Field(
        0.55, gt=0, le=1, description="Fraction of not ready nodes, at least three, above which a zone is unhealthy"
    )
    large_cluster_size_threshold: int = Field(
        50, ge=0, description="Nodes up to which nothing is evicted from an unhealthy zone"
    )
    max_endpoints_per_slice: int = Field(100, ge=1, le=1000, description="Endpoints in one EndpointSlice")
    mirroring_max_endpoints_per_subset: int = Field(
        1000, ge=1, le=1000, description="Addresses of one subset that are mirrored to EndpointSlices"
    )
    terminated_pod_gc_threshold: int = Field(
        12500, description="Ended pods above which the oldest are deleted; 0 or less keeps them all"
    )
    concurrent_syncs: int = Field(5, ge=1, le=50, description="Objects of one kind that are worked on at once")
    kube_api_timeout: PositiveSeconds = Field(60, description="Seconds within which every informer must be synced")

    @field_validator("kubernetes_version")
    @classmethod
    def _is_version(cls, value: str) -> str:
        minor_of(value)
        return value

    @field_validator("cluster_cidr")
    @classmethod
    def _is_network(cls, value: str) -> str:
        ip_network(value)
        return value

    @model_validator(mode="after")
    def _mask_fits(self) -> Settings:
        network = self.cluster_network
        if not network.prefixlen <= self.node_cidr_mask_size <= network.max_prefixlen - 2:
            raise ValueError(
                f"node_cidr_mask_size {self.node_cidr_mask_size} does not fit cluster_cidr {self.cluster_cidr}"
            )
        return self

    @property
    def cluster_network(self) -> IPv4Network | IPv6Network:
        """``cluster_cidr``, parsed."""
        return ip_network(self.cluster_cidr)
