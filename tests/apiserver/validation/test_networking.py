from __future__ import annotations

from typing import Any

import pytest

from minikube_py.api import resources

INGRESS, CLASS = resources.INGRESSES, resources.INGRESS_CLASSES
POLICY, ADDRESS, CIDR = resources.NETWORK_POLICIES, resources.IP_ADDRESSES, resources.SERVICE_CIDRS
BACKEND = {"service": {"name": "a", "port": {"number": 80}}}


def ingress(path: dict[str, Any] | None = None, host: str = "a.b", **spec: Any) -> dict[str, Any]:
    item = {"path": "/", "pathType": "Prefix", "backend": BACKEND, **(path or {})}
    return {"spec": {"rules": [{"host": host, "http": {"paths": [item]}}], **spec}}


def backend(**service: Any) -> dict[str, Any]:
    return ingress({"backend": {"service": service}})


HERE = "spec.rules[0].http.paths[0]"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(ingress(), [], id="a rule"),
        pytest.param({"spec": {"defaultBackend": {"resource": {"kind": "K", "name": "n"}}}}, [], id="a resource"),
        pytest.param(ingress(host="*.a.b", tls=[{"hosts": ["*.a.b"], "secretName": "s"}]), [], id="a wildcard"),
        pytest.param(
            {"spec": {}},
            ["Invalid spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"],
            id="nothing",
        ),
        pytest.param(
            ingress(host="10.0.0.1"),
            ['Invalid spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
            id="an address for a host",
        ),
        pytest.param(
            ingress(host="*.b*"),
            [
                'Invalid spec.rules[0].host: Invalid value: "*.b*": a wildcard DNS-1123 subdomain must start with '
                "'*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, "
                "'-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation "
                r"is '\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ],
            id="two wildcards",
        ),
        pytest.param(
            ingress({"pathType": None}),
            [f"Required {HERE}.pathType: Required value: pathType must be specified"],
            id="no path type",
        ),
        pytest.param(
            ingress({"pathType": "Regex"}),
            [
                f'NotSupported {HERE}.pathType: Unsupported value: "Regex": supported values: "Exact", '
                '"ImplementationSpecific", "Prefix"'
            ],
            id="an unknown path type",
        ),
        pytest.param(
            ingress({"path": "x//y/.."}),
            [
                f'Invalid {HERE}.path: Invalid value: "x//y/..": must be an absolute path',
                f"Invalid {HERE}.path: Invalid value: \"x//y/..\": must not contain '//'",
                f"Invalid {HERE}.path: Invalid value: \"x//y/..\": cannot end with '/..'",
            ],
            id="a crooked path",
        ),
        pytest.param(
            backend(name="", port={}),
            [
                f"Required {HERE}.backend.service.name: Required value",
                f"Required {HERE}.backend: Required value: port name or number is required",
            ],
            id="a service without a name or port",
        ),
        pytest.param(
            backend(name="a", port={"name": "p", "number": 1}),
            [f'Invalid {HERE}.backend: Invalid value: "": cannot set both port name & port number'],
            id="a port by name and number",
        ),
        pytest.param(
            ingress({"backend": {}}),
            [f'Invalid {HERE}.backend: Invalid value: "": resource or service backend is required'],
            id="no backend",
        ),
        pytest.param(
            ingress({"backend": {**BACKEND, "resource": {"kind": "K", "name": "n"}}}),
            [f'Invalid {HERE}.backend: Invalid value: "": cannot set both resource and service backends'],
            id="two backends",
        ),
        pytest.param(
            {
                "metadata": {"name": "x", "namespace": "d", "annotations": {"kubernetes.io/ingress.class": "a"}},
                **ingress(ingressClassName="b"),
            },
            [
                'Invalid annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` '
                "when both are specified"
            ],
            id="two classes",
        ),
    ],
)
def test_an_ingress(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(INGRESS, obj)) == expected


def test_an_ingress_status(rules: Any, short: Any) -> None:
    points = [{"ip": "x"}, {"hostname": "10.0.0.1"}]
    new = {**ingress(), "status": {"loadBalancer": {"ingress": points}}}
    assert short(rules.update(INGRESS, new, ingress(), "status")) == [
        'Invalid status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
        "2001:db8::ffff)",
        'Invalid status.loadBalancer.ingress[1].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP '
        "address",
    ]
    assert rules.created(INGRESS, new)["status"] == {"loadBalancer": {}}


def klass(controller: str = "a.b/c", **parameters: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"controller": controller}
    return {"spec": {**spec, "parameters": parameters} if parameters else spec}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(klass(kind="K", name="n"), [], id="parameters for the cluster"),
        pytest.param(klass(kind="K", name="n", scope="Namespace", namespace="d"), [], id="parameters of a namespace"),
        pytest.param(klass(""), ["Required spec.controller: Required value"], id="no controller"),
        pytest.param(
            klass("c"),
            ['Invalid spec.controller: Invalid value: "c": must be a domain-prefixed path (such as "acme.io/foo")'],
            id="a controller without a domain",
        ),
        pytest.param(
            klass(kind="K", name="n", scope="Namespace"),
            ["Required spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
            id="no namespace",
        ),
        pytest.param(
            klass(kind="", name="n", namespace="d"),
            [
                "Required spec.parameters.kind: Required value",
                "Forbidden spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
            ],
            id="a namespace too many",
        ),
        pytest.param(
            klass(kind="K", name="n", scope="World"),
            [
                'NotSupported spec.parameters.scope: Unsupported value: "World": supported values: "Cluster", '
                '"Namespace"'
            ],
            id="an unknown scope",
        ),
    ],
)
def test_an_ingress_class(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(CLASS, obj)) == expected


def test_an_ingress_class_keeps_its_controller(rules: Any, short: Any) -> None:
    expected = ['Invalid spec.controller: Invalid value: "x.y/z": field is immutable']
    assert short(rules.update(CLASS, klass("x.y/z"), klass())) == expected


def policy(*peers: Any, ports: Any = (), **spec: Any) -> dict[str, Any]:
    return {"spec": {"podSelector": {}, "ingress": [{"from": list(peers), "ports": list(ports)}], **spec}}


PEER = "spec.ingress[0].from[0]"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(policy({"podSelector": {}, "namespaceSelector": {}}), [], id="pods"),
        pytest.param(policy({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}), [], id="addresses"),
        pytest.param(policy(ports=[{"port": "http"}, {"port": 1, "endPort": 2}]), [], id="ports"),
        pytest.param(policy({}), [f"Required {PEER}: Required value: must specify a peer"], id="nobody"),
        pytest.param(
            policy({"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}),
            [f"Forbidden {PEER}: Forbidden: may not specify both ipBlock and another peer"],
            id="pods and addresses",
        ),
        pytest.param(
            policy({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}),
            [f'Invalid {PEER}.ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`'],
            id="except what is not in",
        ),
        pytest.param(
            policy(ports=[{"port": 5, "endPort": 4}, {"endPort": 4}, {"port": "http", "endPort": 4}]),
            [
                "Invalid spec.ingress[0].ports[0].endPort: Invalid value: 4: must be greater than or equal to `port`",
                "Invalid spec.ingress[0].ports[1].endPort: Invalid value: 4: may not be specified when `port` is not "
                "specified",
                "Invalid spec.ingress[0].ports[2].endPort: Invalid value: 4: may not be specified when `port` is "
                "non-numeric",
            ],
            id="ranges that are none",
        ),
        pytest.param(
            policy(policyTypes=["Sideways"]),
            ['NotSupported spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Egress", "Ingress"'],
            id="an unknown direction",
        ),
    ],
)
def test_a_network_policy(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(POLICY, obj)) == expected


def test_the_defaults_of_a_network_policy(rules: Any) -> None:
    assert rules.created(POLICY, {"spec": {"egress": [{"ports": [{"port": 1}]}]}})["spec"] == {
        "podSelector": {},
        "egress": [{"ports": [{"port": 1, "protocol": "TCP"}]}],
        "policyTypes": ["Ingress", "Egress"],
    }
    assert rules.created(POLICY, {})["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}


@pytest.mark.parametrize(
    ("name", "spec", "expected"),
    [
        pytest.param("10.0.0.1", {"parentRef": {"resource": "services", "name": "a", "namespace": "d"}}, [], id="good"),
        pytest.param(
            "2001:DB8::1",
            {"parentRef": {"resource": "services", "name": "a"}},
            ['Invalid metadata.name: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")'],
            id="not canonical",
        ),
        pytest.param("10.0.0.1", {}, ["Required spec.parentRef: Required value"], id="no parent"),
        pytest.param(
            "10.0.0.1",
            {"parentRef": {"group": "g", "name": "a/b"}},
            [
                "Required spec.parentRef.resource: Required value",
                "Invalid spec.parentRef.name: Invalid value: \"a/b\": may not contain '/'",
            ],
            id="a crooked parent",
        ),
    ],
)
def test_an_address(rules: Any, short: Any, name: str, spec: Any, expected: list[str]) -> None:
    assert short(rules.create(ADDRESS, {"metadata": {"name": name}, "spec": spec})) == expected


def cidrs(*values: str) -> dict[str, Any]:
    return {"spec": {"cidrs": list(values)}}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(cidrs("10.0.0.0/8", "fd00::/64"), [], id="both families"),
        pytest.param(cidrs(), ["Required spec.cidrs: Required value: at least one CIDR required"], id="none"),
        pytest.param(
            cidrs("10.0.0.0/8", "11.0.0.0/8"),
            [
                'Invalid spec.cidrs: Invalid value: ["10.0.0.0/8","11.0.0.0/8"]: may specify no more than one IP for '
                "each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
            ],
            id="one family twice",
        ),
    ],
)
def test_a_service_cidr(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(CIDR, obj)) == expected


def test_a_service_cidr_only_gains_a_family(rules: Any, short: Any) -> None:
    one, both = cidrs("10.0.0.0/8"), cidrs("10.0.0.0/8", "fd00::/64")
    assert rules.update(CIDR, both, one) == []
    assert short(rules.update(CIDR, one, both)) == [
        'Invalid spec.cidrs: Invalid value: ["10.0.0.0/8"]: field is immutable'
    ]
    assert short(rules.update(CIDR, cidrs("11.0.0.0/8"), one)) == [
        'Invalid spec.cidrs[0]: Invalid value: "11.0.0.0/8": field is immutable'
    ]
