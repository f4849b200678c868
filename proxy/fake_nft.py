"""nftables in memory, for tests: the commands that the proxy sends, and the kernel's checks of names and references."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TypeVar

from proxy.nft import NftError, TableContents

T = TypeVar("T")

_COMMAND = re.compile(r"(add|delete|flush) (table|chain|set|map|rule|element) ip (\S+)(?: (\S+))?(?: (.*))?")
_TARGET = re.compile(r"(?:goto|jump) ([^\s,}]+)")
_SET = re.compile(r"@([^\s}]+)")


@dataclass(slots=True)
class FakeTable:
    """A table: chains with their rules, maps with their elements, sets with their declarations."""

    chains: dict[str, list[str]] = field(default_factory=dict)
    maps: dict[str, dict[str, str]] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)


class FakeNft:
    """A :class:`proxy.nft.Nft` that is its own kernel. ``transactions`` keeps every text that was applied."""

    def __init__(self) -> None:
        self.tables: dict[str, FakeTable] = {}
        self.transactions: list[str] = []
        self._generation = 1

    async def apply(self, text: str) -> None:
        """All of the text or nothing."""
        before = deepcopy(self.tables)
        try:
            for line in text.splitlines():
                self._perform(line)
            self._check_references()
        except NftError:
            self.tables = before
            raise
        self.transactions.append(text)
        self._generation += 1

    def generation(self) -> int:
        """The number of transactions so far."""
        return self._generation

    async def contents(self, table: str) -> TableContents | None:
        """Counts of the table, or None."""
        found = self.tables.get(table)
        if found is None:
            return None
        return TableContents(
            {name: len(rules) for name, rules in found.chains.items()},
            {name: len(elements) for name, elements in found.maps.items()},
        )

    def _perform(self, line: str) -> None:
        match = _COMMAND.fullmatch(line)
        if match is None:
            raise NftError(f"syntax error: {line}")
        verb, kind, table_name, name, rest = match.groups()
        if kind == "table":
            self._perform_on_table(verb, table_name)
            return
        table = self.tables.get(table_name)
        if table is None or not name:
            raise NftError(f"No such file or directory: {line}")
        match verb, kind:
            case "add", "chain":
                table.chains.setdefault(name, [])
            case "add", "set":
                table.sets.setdefault(name, rest or "")
            case "add", "map":
                table.maps.setdefault(name, {})
            case "add", "rule":
                _present(table.chains, name, line).append(rest or "")
            case "flush", "chain":
                _present(table.chains, name, line).clear()
            case "delete", "chain":
                if _present(table.chains, name, line):
                    raise NftError(f"Device or resource busy: {line}")
                del table.chains[name]
            case "delete", "set":
                _present(table.sets, name, line)
                del table.sets[name]
            case (("add" | "delete"), "element"):
                _change_elements(_present(table.maps, name, line), verb, rest or "", line)
            case _:
                raise NftError(f"syntax error: {line}")

    def _perform_on_table(self, verb: str, name: str) -> None:
        if verb == "add":
            self.tables.setdefault(name, FakeTable())
        elif name not in self.tables:
            raise NftError(f"No such file or directory: table {name}")
        elif verb == "delete":
            del self.tables[name]
        else:
            for rules in self.tables[name].chains.values():
                rules.clear()

    def _check_references(self) -> None:
        for table in self.tables.values():
            texts = [rule for rules in table.chains.values() for rule in rules]
            for verdicts in table.maps.values():
                texts += verdicts.values()
            for text in texts:
                if missing := [name for name in _TARGET.findall(text) if name not in table.chains]:
                    raise NftError(f"No such file or directory: chain {missing[0]}")
                known = table.sets.keys() | table.maps.keys()
                if missing := [name for name in _SET.findall(text) if name not in known]:
                    raise NftError(f"No such file or directory: set {missing[0]}")


def _present(named: dict[str, T], name: str, line: str) -> T:
    if name not in named:
        raise NftError(f"No such file or directory: {line}")
    return named[name]


def _change_elements(elements: dict[str, str], verb: str, text: str, line: str) -> None:
    for item in text.strip("{} ").split(", "):
        key, _, verdict = item.partition(" : ")
        if verb == "delete":
            if elements.get(key) != verdict:
                raise NftError(f"No such file or directory: {line}")
            del elements[key]
        elif elements.setdefault(key, verdict) != verdict:
            raise NftError(f"File exists: {line}")
