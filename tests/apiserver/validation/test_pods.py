from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from apiserver.strategies.defaults.pods import default
from apiserver.validation.pods import binding, pod, pod_status_update, pod_update

Pod = dict[str, Any]


def a_pod(**spec: Any) -> Pod:
    fields = {"containers": [{"name": "c", "image": "i:1"}], "serviceAccountName": "default", **spec}
    return default({"metadata": {"name": "p", "namespace": "d"}, "spec": fields})


def with_container(**fields: Any) -> Pod:
    volumes = [{"name": "v", "emptyDir": {}}]
    return a_pod(containers=[{"name": "c", "image": "i:1", **fields}], volumes=volumes)


def with_volume(**source: Any) -> Pod:
    return a_pod(volumes=[{"name": "v", **source}])


def errors_of(subject: Pod) -> list[str]:
    return [str(error) for error in pod(subject)]


def test_a_good_pod_has_no_errors() -> None:
    subject = with_container(
        ports=[{"containerPort": 80, "name": "http"}],
        env=[{"name": "A", "value": "b"}, {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        envFrom=[{"configMapRef": {"name": "m"}}],
        volumeMounts=[{"name": "v", "mountPath": "/v", "subPath": "a/b"}],
        resources={"requests": {"cpu": "100m"}, "limits": {"cpu": "1", "memory": "1Gi", "hugepages-2Mi": "2Mi"}},
        livenessProbe={"httpGet": {"path": "/", "port": "http"}},
        lifecycle={"preStop": {"sleep": {"seconds": 3}}},
        securityContext={"runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
    )
    subject["spec"] |= {
        "tolerations": [{"operator": "Exists"}],
        "dnsConfig": {"nameservers": ["10.0.0.1"], "searches": ["a_b.c."]},
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a.b"]}],
        "initContainers": [default(a_pod(containers=[{"name": "i", "image": "j"}]))["spec"]["containers"][0]],
    }
    assert errors_of(subject) == []


@pytest.mark.parametrize(
    ("subject", "error"),
    [
        pytest.param(a_pod(containers=[]), "spec.containers: Required value", id="no containers"),
        pytest.param(
            a_pod(containers=[{"name": "c", "image": "i"}, {"name": "c", "image": "i"}]),
            'spec.containers[1].name: Duplicate value: "c"',
            id="two containers of one name",
        ),
        pytest.param(
            with_container(image=" i"),
            'spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace',
            id="blank in image",
        ),
        pytest.param(
            with_container(imagePullPolicy="Sometimes"),
            'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", '
            '"IfNotPresent", "Never"',
            id="pull policy",
        ),
        pytest.param(
            with_container(ports=[{"containerPort": 70000}]),
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
            id="port out of range",
        ),
        pytest.param(
            with_container(ports=[{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]),
            'spec.containers[0].ports[1].name: Duplicate value: "a"',
            id="port name twice",
        ),
        pytest.param(
            with_container(ports=[{"containerPort": 1, "hostPort": 5}, {"containerPort": 2, "hostPort": 5}]),
            'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//5"',
            id="host port twice",
        ),
        pytest.param(
            with_container(ports=[{"containerPort": 1, "protocol": "ICMP"}]),
            'spec.containers[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
            id="protocol",
        ),
        pytest.param(
            with_container(env=[{"name": "a=b"}]),
            'spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment variable name must consist only '
            "of printable ASCII characters other than '='",
            id="environment name",
        ),
        pytest.param(
            with_container(env=[{"name": "a", "valueFrom": {}}]),
            'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, '
            "`resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
            id="no source of a variable",
        ),
        pytest.param(
            with_container(env=[{"name": "a", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
            'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
            id="value and source",
        ),
        pytest.param(
            with_container(env=[{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "spec.nope"}}}]),
            'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.nope": error converting '
            "fieldPath: field label not supported: spec.nope",
            id="unknown field",
        ),
        pytest.param(
            with_container(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}),
            'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
            id="request above limit",
        ),
        pytest.param(
            with_container(resources={"limits": {"cpu": "-1"}}),
            'spec.containers[0].resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
            id="negative quantity",
        ),
        pytest.param(
            with_container(resources={"limits": {"gpus": "1"}}),
            'spec.containers[0].resources.limits[gpus]: Invalid value: "gpus": must be a standard resource for '
            "containers",
            id="unknown resource",
        ),
        pytest.param(
            with_container(resources={"requests": {"example.com/gpu": "1"}}),
            "spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources",
            id="extended resource without limit",
        ),
        pytest.param(
            with_container(volumeMounts=[{"name": "w", "mountPath": "/v"}]),
            'spec.containers[0].volumeMounts[0].name: Not found: "w"',
            id="mount of no volume",
        ),
        pytest.param(
            with_container(volumeMounts=[{"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/v"}]),
            'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/v": must be unique',
            id="mount path twice",
        ),
        pytest.param(
            with_container(volumeMounts=[{"name": "v", "mountPath": "/v", "subPath": "../a"}]),
            "spec.containers[0].volumeMounts.subPath: Invalid value: \"../a\": must not contain '..'",
            id="sub-path upwards",
        ),
        pytest.param(
            with_container(livenessProbe={}),
            "spec.containers[0].livenessProbe: Required value: must specify a handler type",
            id="probe without handler",
        ),
        pytest.param(
            with_container(livenessProbe={"exec": {"command": ["a"]}, "tcpSocket": {"port": 1}}),
            "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
            id="probe with two handlers",
        ),
        pytest.param(
            with_container(livenessProbe={"exec": {"command": ["a"]}, "successThreshold": 2}),
            "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
            id="liveness success threshold",
        ),
        pytest.param(
            with_container(readinessProbe={"httpGet": {"port": 0}}),
            "spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive",
            id="probe port",
        ),
        pytest.param(
            with_container(securityContext={"privileged": True, "allowPrivilegeEscalation": False}),
            'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: '
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
            id="contradictory privileges",
        ),
        pytest.param(
            a_pod(initContainers=[{"name": "i", "image": "j", "livenessProbe": {"exec": {"command": ["a"]}}}]),
            "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without "
            "restartPolicy=Always",
            id="probe of an init container",
        ),
        pytest.param(
            a_pod(initContainers=[{"name": "c", "image": "j"}]),
            'spec.initContainers[0].name: Duplicate value: "c"',
            id="init container of a container's name",
        ),
        pytest.param(
            with_volume(emptyDir={}, hostPath={"path": "/x"}),
            "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
            id="two sources",
        ),
        pytest.param(
            with_volume(secret={}), "spec.volumes[0].secret.secretName: Required value", id="secret without name"
        ),
        pytest.param(
            with_volume(hostPath={"path": "/x", "type": "Dir"}),
            'spec.volumes[0].hostPath.type: Unsupported value: "Dir": supported values: "", "BlockDevice", '
            '"CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
            id="host path type",
        ),
        pytest.param(
            with_volume(configMap={"name": "m", "items": [{"key": "k", "path": "/abs"}]}),
            'spec.volumes[0].configMap.items[0].path: Invalid value: "/abs": must be a relative path',
            id="absolute item path",
        ),
        pytest.param(
            with_volume(configMap={"name": "m", "defaultMode": 512}),
            "spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), "
            "both inclusive",
            id="file mode",
        ),
        pytest.param(
            with_volume(projected={"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 5}}]}),
            "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 5: may not "
            "specify a duration less than 10 minutes",
            id="short-lived token",
        ),
        pytest.param(
            a_pod(restartPolicy="Maybe"),
            'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "Never", "OnFailure"',
            id="restart policy",
        ),
        pytest.param(
            a_pod(dnsPolicy="None"),
            "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
            id="no DNS at all",
        ),
        pytest.param(
            a_pod(hostAliases=[{"ip": "1.2.3"}]),
            'spec.hostAliases[0].ip: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or '
            "2001:db8::ffff)",
            id="alias address",
        ),
        pytest.param(
            a_pod(tolerations=[{"operator": "Exists", "value": "x"}]),
            "spec.tolerations[0].operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'",
            id="toleration value",
        ),
        pytest.param(
            a_pod(tolerations=[{"key": "a", "tolerationSeconds": 3}]),
            "spec.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` "
            "is set",
            id="toleration seconds",
        ),
        pytest.param(
            a_pod(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}),
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required "
            "value: must have at least one node selector term",
            id="no node selector terms",
        ),
        pytest.param(
            a_pod(affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}}),
            "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required "
            "value: can not be empty",
            id="no topology key",
        ),
        pytest.param(
            a_pod(topologySpreadConstraints=[{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]),
            "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
            id="skew",
        ),
        pytest.param(
            a_pod(activeDeadlineSeconds=0),
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
            id="deadline",
        ),
        pytest.param(
            a_pod(nodeName="n", schedulingGates=[{"name": "a/b"}]),
            "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
            id="gated yet placed",
        ),
    ],
)
def test_one_error(subject: Pod, error: str) -> None:
    assert error in errors_of(subject)


Change = Callable[[Pod], None]


def change_image(subject: Pod) -> None:
    subject["spec"]["containers"][0]["image"] = "i:2"


def add_toleration(subject: Pod) -> None:
    subject["spec"]["tolerations"] = [{"key": "a", "operator": "Exists"}]


def set_deadline(subject: Pod) -> None:
    subject["spec"]["activeDeadlineSeconds"] = 10


def add_label(subject: Pod) -> None:
    subject["metadata"]["labels"] = {"a": "b"}


@pytest.mark.parametrize("change", [change_image, add_toleration, set_deadline, add_label])
def test_what_may_change(change: Change) -> None:
    old = a_pod()
    new = copy.deepcopy(old)
    change(new)
    assert list(pod_update(new, old)) == []


def change_command(subject: Pod) -> None:
    subject["spec"]["containers"][0]["command"] = ["x"]


def change_node(subject: Pod) -> None:
    subject["spec"]["nodeName"] = "other"


@pytest.mark.parametrize("change", [change_command, change_node])
def test_what_may_not_change(change: Change) -> None:
    old = a_pod()
    new = copy.deepcopy(old)
    change(new)
    (error,) = pod_update(new, old)
    assert error.field == "spec"
    assert error.message.startswith(
        "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    )


def test_containers_may_not_be_added() -> None:
    old = a_pod()
    new = a_pod(containers=[{"name": "c", "image": "i:1"}, {"name": "d", "image": "i:1"}])
    assert [str(error) for error in pod_update(new, old)] == [
        "spec.containers: Forbidden: pod updates may not add or remove containers"
    ]


def test_a_toleration_may_not_be_taken_away() -> None:
    old = a_pod(tolerations=[{"operator": "Exists"}])
    assert [str(error) for error in pod_update(a_pod(), old)] == [
        "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"
    ]


def test_a_deleted_pod_gets_no_new_finalizer() -> None:
    old = a_pod()
    old["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:00Z"
    new = copy.deepcopy(old)
    new["metadata"]["finalizers"] = ["a.b/c"]
    (error,) = pod_update(new, old)
    assert error.field == "metadata.finalizers"
    assert '[]string{"a.b/c"}' in error.message


def test_a_finished_container_stays_finished() -> None:
    old = a_pod(restartPolicy="Never")
    old["status"] = {"containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": 0}}}]}
    new = copy.deepcopy(old)
    new["status"] = {"containerStatuses": [{"name": "c", "state": {"running": {}}}]}
    assert [str(error) for error in pod_status_update(new, old)] == [
        "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"
    ]


def test_binding() -> None:
    assert list(binding({"target": {"kind": "Node", "name": "n"}})) == []
    assert [str(error) for error in binding({"target": {"kind": "Pod"}})] == [
        'target.kind: Unsupported value: "Pod": supported values: "<empty>", "Node"',
        "target.name: Required value",
    ]
