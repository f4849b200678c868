"""The audit policy: what is recorded of which requests. Pure but for reading the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from apiserver.context import RequestInfo, UserInfo

Level = Literal["None", "Metadata", "Request", "RequestResponse"]
Stage = Literal["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]


class InvalidAuditPolicy(ValueError):
    """The file cannot be used; the text names it and what is wrong."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GroupResources(_Model):
    """Kinds of one API group; no resources are all of them."""

    group: str = ""
    resources: list[str] = []
    resourceNames: list[str] = []  # noqa: N815 - the name in the file


class Rule(_Model):
    """What the first rule that matches a request says of it; an empty list matches everything."""

    level: Level
    users: list[str] = []
    userGroups: list[str] = []  # noqa: N815
    verbs: list[str] = []
    resources: list[GroupResources] = []
    namespaces: list[str] = []
    nonResourceURLs: list[str] = []  # noqa: N815
    omitStages: list[Stage] = []  # noqa: N815
    omitManagedFields: bool | None = None  # noqa: N815


class Policy(_Model):
    """``audit.k8s.io/v1`` Policy."""

    apiVersion: Literal["audit.k8s.io/v1"]  # noqa: N815
    kind: Literal["Policy"]
    metadata: dict[str, Any] = {}
    rules: Annotated[list[Rule], Field(min_length=1)]
    omitStages: list[Stage] = []  # noqa: N815
    omitManagedFields: bool = False  # noqa: N815


@dataclass(frozen=True, slots=True)
class Decision:
    """How a request is recorded."""

    level: Level
    omit_stages: frozenset[Stage] = frozenset()
    omit_managed_fields: bool = False


UNRECORDED = Decision("None")


def load(path: str) -> Policy:
    """The policy in a YAML file. Raises InvalidAuditPolicy."""
    try:
        return Policy.model_validate(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidAuditPolicy(f"{path}: {error}") from None
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise InvalidAuditPolicy(f"{path}: {problems}") from None


def decide(policy: Policy, user: UserInfo, info: RequestInfo) -> Decision:
    """What the first matching rule says; where none matches nothing is recorded."""
    for rule in policy.rules:
        if _matches(rule, user, info):
            omit_managed = rule.omitManagedFields
            return Decision(
                rule.level,
                frozenset([*policy.omitStages, *rule.omitStages]),
                policy.omitManagedFields if omit_managed is None else omit_managed,
            )
    return UNRECORDED


def _matches(rule: Rule, user: UserInfo, info: RequestInfo) -> bool:
    if rule.users and user.name not in rule.users:
        return False
    if rule.userGroups and not set(rule.userGroups) & set(user.groups):
        return False
    if rule.verbs and info.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return info.is_resource and _is_named(rule, info)
    if rule.nonResourceURLs:
        return not info.is_resource and any(_path_matches(spec, info.path) for spec in rule.nonResourceURLs)
    return True


def _is_named(rule: Rule, info: RequestInfo) -> bool:
    if rule.namespaces and info.namespace not in rule.namespaces:
        return False
    if not rule.resources:
        return True
    combined = f"{info.plural}/{info.subresource}" if info.subresource else info.plural
    for kinds in rule.resources:
        if kinds.group != info.group:
            continue
        if not kinds.resources:
            return True
        named = not kinds.resourceNames or info.name in kinds.resourceNames
        if named and any(_resource_matches(wanted, combined, info) for wanted in kinds.resources):
            return True
    return False


def _resource_matches(wanted: str, combined: str, info: RequestInfo) -> bool:
    if wanted in ("*", combined):
        return True
    if wanted.startswith("*/") and info.subresource:
        return wanted == f"*/{info.subresource}"
    return wanted == f"{info.plural}/*" and bool(info.subresource)


def _path_matches(wanted: str, path: str) -> bool:
    return wanted in ("*", path) or (wanted.endswith("*") and path.startswith(wanted[:-1]))
