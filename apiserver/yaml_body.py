"""YAML request bodies as JSON values, as ``sigs.k8s.io/yaml`` converts them; imported when the first one comes."""

from __future__ import annotations

import math
from typing import Any

import yaml


class YamlError(ValueError):
    """The document cannot be converted to JSON."""


MAX_DEPTH = 250
"""How deeply lists and mappings may be nested; deeper values cannot be written as JSON."""


class _Loader(yaml.CSafeLoader):
    """The safe loader that leaves timestamps as text, notes keys that occur twice, and bounds the nesting."""

    def __init__(self, stream: bytes) -> None:
        super().__init__(stream)
        self.repeated: list[str] = []
        self._depth = 0

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RecursionError
        super().descend_resolver(current_node, current_index)

    def ascend_resolver(self) -> None:
        self._depth -= 1
        super().ascend_resolver()

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in getattr(node, "value", ()):
            if isinstance(key_node, yaml.ScalarNode):
                if key_node.value in seen and key_node.value != "<<":
                    self.repeated.append(str(key_node.value))
                seen.add(key_node.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load(body: bytes, max_nodes: int) -> tuple[Any, tuple[str, ...]]:
    """The first document and its repeated keys. Raises YamlError; ``max_nodes`` bounds what aliases expand to."""
    try:
        loader = _Loader(body)
        try:
            value = loader.get_data() if loader.check_data() else None  # type: ignore[no-untyped-call]
        finally:
            loader.dispose()
        budget = [max_nodes]
        return _plain(value, budget), tuple(dict.fromkeys(loader.repeated))
    except YamlError:
        raise
    except (yaml.YAMLError, RecursionError, TypeError, ValueError, OverflowError) as error:
        # A ValueError is of a scalar that Python does not read: no UTF-8, an integer of thousands of digits. An
        # OverflowError is of one that no float can hold.
        text = "document is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise YamlError(f"yaml: {' '.join(text.split())}") from None


def _plain(value: Any, budget: list[int]) -> Any:
    budget[0] -= 1
    if budget[0] < 0:
        raise YamlError("yaml: document contains excessive aliasing")
    if isinstance(value, dict):
        return {_key(key): _plain(item, budget) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, budget) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise YamlError("json: unsupported value: NaN or infinity")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise YamlError(f"yaml: unsupported value of type {type(value).__name__}")


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, str | int | float):
        return str(key)
    raise YamlError(f"unsupported map key of type: {type(key).__name__}")
