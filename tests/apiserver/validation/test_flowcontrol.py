from __future__ import annotations

from typing import Any

import pytest

from apiserver.validation.flowcontrol import MANDATORY_FLOW_SCHEMAS
from minikube_py.api import resources

SCHEMA, LEVEL = resources.FLOW_SCHEMAS, resources.PRIORITY_LEVEL_CONFIGURATIONS
RULE = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["*"]}
USER = {"kind": "User", "user": {"name": "a"}}


def schema(*subjects: Any, rule: Any = RULE, urls: Any = (), **spec: Any) -> dict[str, Any]:
    rules = {"subjects": list(subjects or [USER]), "resourceRules": [rule] if rule else []}
    rules["nonResourceRules"] = list(urls)
    return {"spec": {"priorityLevelConfiguration": {"name": "p"}, "rules": [rules], **spec}}


HERE = "spec.rules[0]"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(schema(), [], id="a rule"),
        pytest.param(schema(urls=[{"verbs": ["*"], "nonResourceURLs": ["/healthz", "/x/*"]}]), [], id="paths"),
        pytest.param(
            {"metadata": {"name": "exempt"}, "spec": MANDATORY_FLOW_SCHEMAS["exempt"]}, [], id="the exempt one"
        ),
        pytest.param(
            {"spec": {"matchingPrecedence": -1}},
            [
                "Invalid spec.matchingPrecedence: Invalid value: -1: must be a positive value",
                "Required spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
            ],
            id="nothing",
        ),
        pytest.param(
            schema(matchingPrecedence=1),
            [
                "Invalid spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have "
                "matchingPrecedence 1"
            ],
            id="first of all",
        ),
        pytest.param(
            schema(
                {"kind": "Robot"}, {"kind": "User"}, {"kind": "Group", "group": {"name": ""}, "user": {"name": "a"}}
            ),
            [
                f'NotSupported {HERE}.subjects[0].kind: Unsupported value: "Robot": supported values: "Group", '
                '"ServiceAccount", "User"',
                f"Required {HERE}.subjects[1].user: Required value: user is required when subject kind is 'User'",
                f"Required {HERE}.subjects[2].group.name: Required value",
                f"Forbidden {HERE}.subjects[2].user: Forbidden: user is forbidden when subject kind is not 'User'",
            ],
            id="crooked subjects",
        ),
        pytest.param(
            schema({"kind": "ServiceAccount", "serviceAccount": {"name": "*"}}),
            [
                f"Required {HERE}.subjects[0].serviceAccount.namespace: Required value: must specify namespace for "
                "service account"
            ],
            id="accounts of nowhere",
        ),
        pytest.param(
            schema(rule=None),
            [
                f"Required {HERE}: Required value: at least one of resourceRules and nonResourceRules has to be "
                "non-empty"
            ],
            id="no rule",
        ),
        pytest.param(
            schema(rule={"verbs": ["*", "get"], "apiGroups": ["*", "a"], "resources": []}),
            [
                f'Invalid {HERE}.resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must not '
                "specify other verbs",
                f'Invalid {HERE}.resourceRules[0].apiGroups: Invalid value: ["*","a"]: if \'*\' is present, must '
                "not specify other api groups",
                f"Required {HERE}.resourceRules[0].resources: Required value: resource rules must supply at least one "
                "resource",
                f"Required {HERE}.resourceRules[0].namespaces: Required value: resource rules that are not cluster "
                "scoped must supply at least one namespace",
            ],
            id="a crooked rule",
        ),
        pytest.param(
            schema(urls=[{"verbs": ["get"], "nonResourceURLs": ["x", "/a b", "/a//b", "/*x"]}]),
            [
                f'Invalid {HERE}.nonResourceRules[0].nonResourceURLs[{index}]: Invalid value: "{url}": {message}'
                for index, (url, message) in enumerate(
                    [
                        ("x", "must start with slash"),
                        ("/a b", "must not contain white-space"),
                        ("/a//b", "must not contain double slash"),
                        ("/*x", "wildcard can only do suffix matching"),
                    ]
                )
            ],
            id="crooked paths",
        ),
    ],
)
def test_a_flow_schema(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(SCHEMA, obj)) == expected


def test_a_mandatory_schema_is_fixed(rules: Any) -> None:
    (error,) = rules.create(SCHEMA, {"metadata": {"name": "catch-all"}, **schema()})
    assert error.endswith("spec of 'catch-all' must equal the fixed value")


def limited(response: Any, **fields: Any) -> dict[str, Any]:
    return {"spec": {"type": "Limited", "limited": {"limitResponse": response, **fields}}}


REJECT = {"type": "Reject"}
RESPONSE = "spec.limited.limitResponse"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(limited(REJECT), [], id="that rejects"),
        pytest.param(limited({"type": "Queue", "queuing": {}}), [], id="that queues"),
        pytest.param(
            {"spec": {"type": "Exempt"}},
            [
                "Invalid spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'",
                "Required spec.exempt: Required value: must not be empty when type is Exempt",
            ],
            id="exempt by another name",
        ),
        pytest.param(
            {"spec": {"type": "Limited"}},
            ["Required spec.limited: Required value: must not be empty when type is Limited"],
            id="without limits",
        ),
        pytest.param(
            limited(REJECT, nominalConcurrencyShares=-1, lendablePercent=101, borrowingLimitPercent=-1),
            [
                "Invalid spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
                "Invalid spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
                "Invalid spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative "
                "integer",
            ],
            id="crooked numbers",
        ),
        pytest.param(
            limited({"type": "Queue", "queuing": {"queues": 8, "handSize": 9}}),
            [
                f"Invalid {RESPONSE}.queuing.handSize: Invalid value: 9: should not be greater than queues (8)",
            ],
            id="a hand larger than the deck",
        ),
        pytest.param(
            limited({"type": "Queue", "queuing": {"queues": 512, "handSize": 8}}),
            [
                f"Invalid {RESPONSE}.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and "
                "handSize 8 should not be greater than 60"
            ],
            id="too much entropy",
        ),
        pytest.param(
            limited({"type": "Reject", "queuing": {}}),
            [f"Forbidden {RESPONSE}.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited"],
            id="that rejects and queues",
        ),
    ],
)
def test_a_priority_level(rules: Any, short: Any, obj: dict[str, Any], expected: list[str]) -> None:
    assert short(rules.create(LEVEL, obj)) == expected


def test_defaults(rules: Any) -> None:
    made = rules.created(LEVEL, limited({"type": "Queue", "queuing": {}}))
    assert made["spec"]["limited"] == {
        "nominalConcurrencyShares": 30,
        "lendablePercent": 0,
        "limitResponse": {"type": "Queue", "queuing": {"queues": 64, "handSize": 8, "queueLengthLimit": 50}},
    }
    assert made["status"] == {}
    assert rules.created(SCHEMA, schema())["spec"]["matchingPrecedence"] == 1000


def test_the_exempt_level_may_lend(rules: Any, short: Any) -> None:
    exempt: dict[str, Any] = {"metadata": {"name": "exempt"}, "spec": {"type": "Exempt", "exempt": {}}}
    lending = {**exempt, "spec": {"type": "Exempt", "exempt": {"lendablePercent": 50}}}
    assert rules.update(LEVEL, lending, exempt) == []


def test_a_status_has_each_condition_once(rules: Any, short: Any) -> None:
    conditions = [{"type": "Dangling"}, {"type": "Dangling"}, {}]
    assert short(rules.update(SCHEMA, {**schema(), "status": {"conditions": conditions}}, schema(), "status")) == [
        'Duplicate status.conditions[1].type: Duplicate value: "Dangling"',
        "Required status.conditions[2].type: Required value: must not be empty",
    ]
