from __future__ import annotations

from typing import Any

import pytest

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ALICE = ("alice", "staff")
PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}
SECRETS = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}
ON_ROLES = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles", "clusterrolebindings", "roles"]}


@pytest.fixture
async def granted(api: Any) -> Any:
    """Alice may write RBAC objects and read pods."""
    rules = [PODS, {**ON_ROLES, "verbs": ["create", "update", "get", "patch"]}]
    await api.ok("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "alices"}, "rules": rules})
    await bind(api, "alices", "alice")
    return api


async def bind(api: Any, role: str, subject: str, **options: Any) -> Any:
    body = {
        "metadata": {"name": f"{role}-of-{subject}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": subject}],
    }
    return await api("POST", f"{RBAC}/clusterrolebindings", body, **options)


async def allow(api: Any, verb: str, *names: str) -> None:
    rule = {"verbs": [verb], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"]}
    extra = {"resourceNames": list(names)} if names else {}
    await api.ok("POST", f"{RBAC}/clusterroles", {"metadata": {"name": verb}, "rules": [rule | extra]})
    assert (await bind(api, verb, "alice")).status == 201


async def create_role(api: Any, *rules: Any, **extra: Any) -> Any:
    return await api(
        "POST", f"{RBAC}/clusterroles", {"metadata": {"name": "new"}, "rules": list(rules)} | extra, user=ALICE
    )


async def test_what_one_holds_one_may_grant(granted: Any) -> None:
    assert (await create_role(granted, PODS)).status == 201
    assert (await bind(granted, "new", "bob", user=ALICE)).status == 201


async def test_what_one_does_not_hold_is_listed(granted: Any) -> None:
    answer = await create_role(granted, PODS, SECRETS)
    assert answer.status == 403
    assert answer.message == (
        'clusterroles.rbac.authorization.k8s.io "new" is forbidden: user "alice" (groups=["staff" '
        '"system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'
    )


async def test_an_update_is_refused_as_well(granted: Any) -> None:
    await create_role(granted, PODS)
    patch = {"rules": [SECRETS]}
    headers = {"content-type": "application/merge-patch+json"}
    answer = await granted("PATCH", f"{RBAC}/clusterroles/new", patch, user=ALICE, headers=headers)
    assert answer.status == 403
    labelled = {"metadata": {"labels": {"a": "b"}}}
    assert (await granted("PATCH", f"{RBAC}/clusterroles/new", labelled, user=ALICE, headers=headers)).status == 200


async def test_escalate_lifts_it_for_roles(granted: Any) -> None:
    await allow(granted, "escalate")
    assert (await create_role(granted, SECRETS)).status == 201


async def test_a_binding_to_more_than_one_holds_is_refused_unless_bind_is_held(granted: Any) -> None:
    answer = await bind(granted, "cluster-admin", "bob", user=ALICE)
    assert answer.status == 403
    assert '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}' in answer.message
    await allow(granted, "bind", "cluster-admin")
    assert (await bind(granted, "cluster-admin", "bob", user=ALICE)).status == 201
    assert (await bind(granted, "admin", "bob", user=ALICE)).status == 403


async def test_a_binding_to_a_role_that_is_not_there_is_not_found(granted: Any) -> None:
    answer = await bind(granted, "nothing", "bob", user=ALICE)
    assert (answer.status, answer.message) == (404, 'clusterroles.rbac.authorization.k8s.io "nothing" not found')


async def test_only_who_holds_everything_may_gather(granted: Any) -> None:
    gathering = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}
    answer = await create_role(granted, **gathering)
    assert answer.status == 403
    assert answer.message.endswith("is forbidden: must have cluster-admin privileges to use the aggregationRule")
    assert (await bind(granted, "cluster-admin", "alice")).status == 201
    assert (await create_role(granted, **gathering)).status == 201
