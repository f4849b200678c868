import pytest

from minikube_py.api.rbac import aggregated_rules, compact, quoted, uncovered

READ_PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
ALL = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


def role(name: str, labels: dict[str, str], rules: list[dict[str, list[str]]]) -> dict[str, object]:
    return {"metadata": {"name": name, "labels": labels}, "rules": rules}


def test_a_role_gathers_the_rules_of_those_selected_each_once():
    gathering = {
        "metadata": {"name": "all", "labels": {"to": "all"}},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "all"}}, {"matchLabels": {"to": "x"}}]},
    }
    others = [role("b", {"to": "x"}, [ALL, READ_PODS]), role("a", {"to": "all"}, [READ_PODS]), role("c", {}, [ALL])]
    assert aggregated_rules(gathering, [*others, gathering]) == [READ_PODS, ALL]


@pytest.mark.parametrize(
    ("owned", "wanted"),
    [
        pytest.param([READ_PODS], READ_PODS, id="the same"),
        pytest.param([ALL], {**READ_PODS, "resourceNames": ["x"]}, id="everything covers one name"),
        pytest.param(
            [{"verbs": ["get"], "apiGroups": [""], "resources": ["*/log"]}],
            {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"]},
            id="a subresource of anything",
        ),
        pytest.param(
            [{"verbs": ["get"], "nonResourceURLs": ["/healthz*"]}],
            {"verbs": ["get"], "nonResourceURLs": ["/healthz/etcd"]},
            id="a prefix of paths",
        ),
    ],
)
def test_covered(owned, wanted):
    assert uncovered(owned, [wanted]) == []


@pytest.mark.parametrize(
    ("owned", "wanted", "missing"),
    [
        pytest.param(
            [READ_PODS],
            {"verbs": ["get", "delete"], "apiGroups": [""], "resources": ["pods"]},
            ['{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}'],
            id="a verb",
        ),
        pytest.param(
            [{**READ_PODS, "resourceNames": ["x"]}],
            READ_PODS,
            ['{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}'],
            id="one name does not cover all, verbs are told together",
        ),
        pytest.param(
            [ALL],
            {"verbs": ["get"], "nonResourceURLs": ["/x"]},
            ['{NonResourceURLs:["/x"], Verbs:["get"]}'],
            id="a path",
        ),
        pytest.param(
            [READ_PODS],
            ALL,
            ['{APIGroups:["*"], Resources:["*"], Verbs:["*"]}'],
            id="everything",
        ),
    ],
)
def test_uncovered(owned, wanted, missing):
    assert compact(uncovered(owned, [wanted])) == missing


def test_strings_are_quoted_as_go_does():
    assert quoted(["a", 'b"c']) == r'["a" "b\"c"]'
