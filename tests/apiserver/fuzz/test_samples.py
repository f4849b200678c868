from __future__ import annotations

import pytest
from fuzz_checker import Checker
from fuzz_protobuf import to_protobuf
from fuzz_samples import PERSISTED, ROWS, collection, sample


@pytest.mark.parametrize("media_type", ["application/json", "application/vnd.kubernetes.protobuf"])
async def test_the_samples_are_accepted_before_they_are_spoilt(checker: Checker, media_type: str) -> None:
    for resource in ROWS:
        obj = sample(resource)
        body = to_protobuf(obj) if "protobuf" in media_type else obj
        if resource.kind == "Binding":
            continue
        answer = await checker("POST", collection(resource), body, media_type)
        assert answer.status == 201, (resource.kind, answer.body)
        if resource in PERSISTED:
            await checker.stored(resource, f"{collection(resource)}/{obj['metadata']['name']}")
            await checker.remove(resource)
