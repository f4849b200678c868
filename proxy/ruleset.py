"""What an nftables table holds, and the transactions that bring it there. Pure.

Chains and sets that went out of use are emptied or unreferenced in one transaction and deleted in the next: kernels
before 6.6 refuse to delete a chain in the transaction that removes the last verdict to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain's rules; ``hook`` is the declaration of a base chain, empty for others."""

    rules: tuple[str, ...]
    hook: str = ""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The contents of one table.

    ``sets`` and ``maps`` are declarations by name; the elements of maps are in ``elements``, those of sets are the
    kernel's own (they are dynamic).
    """

    table: str
    chains: Mapping[str, Chain]
    maps: Mapping[str, str] = field(default_factory=dict)
    elements: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What the kernel still has and nothing refers to."""

    chains: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Transaction:
    """Text for ``nft -f -`` and what it leaves behind for the next transaction. Empty text: nothing to do."""

    text: str
    leftovers: Leftovers = Leftovers()


def replacement(desired: Ruleset) -> Transaction:
    """Makes the table anew whatever was in it, in one step: no packet meets half of it."""
    table = f"ip {desired.table}"
    head = [f"add table {table}", f"delete table {table}", f"add table {table}"]
    empty = Ruleset(desired.table, {})
    return Transaction(_text([*head, *_declarations(empty, desired), *_contents(empty, desired)]))


def removal(table: str) -> str:
    """Removes the table, whether it is there or not."""
    return f"add table ip {table}\ndelete table ip {table}\n"


def change(applied: Ruleset, leftovers: Leftovers, desired: Ruleset) -> Transaction:
    """From what was applied, and what that left behind, to what is desired.

    What differs only in leftovers is not worth a transaction: the text is empty then.
    """
    if applied == desired:
        return Transaction("", leftovers)
    table = f"ip {desired.table}"
    lines = [f"delete chain {table} {name}" for name in sorted(leftovers.chains - desired.chains.keys())]
    lines += [f"delete set {table} {name}" for name in sorted(leftovers.sets - desired.sets.keys())]
    lines += _declarations(applied, desired)
    stale_chains = frozenset(applied.chains.keys() - desired.chains.keys())
    lines += _removed_elements(applied, desired)
    lines += [f"flush chain {table} {name}" for name in sorted(stale_chains)]
    lines += _contents(applied, desired)
    return Transaction(_text(lines), Leftovers(stale_chains, frozenset(applied.sets.keys() - desired.sets.keys())))


def _declarations(applied: Ruleset, desired: Ruleset) -> Iterator[str]:
    table = f"ip {desired.table}"
    for kind, old, new in (("set", applied.sets, desired.sets), ("map", applied.maps, desired.maps)):
        for name in sorted(new.keys() - old.keys()):
            yield f"add {kind} {table} {name} {{ {new[name]}; }}"
    for name in sorted(desired.chains.keys() - applied.chains.keys()):
        hook = desired.chains[name].hook
        yield f"add chain {table} {name}" + (f" {{ {hook}; }}" if hook else "")


def _removed_elements(applied: Ruleset, desired: Ruleset) -> Iterator[str]:
    for name, old in sorted(applied.elements.items()):
        new = desired.elements.get(name, {})
        gone = [f"{key} : {verdict}" for key, verdict in sorted(old.items()) if new.get(key) != verdict]
        if gone:
            yield f"delete element ip {desired.table} {name} {{ {', '.join(gone)} }}"


def _contents(applied: Ruleset, desired: Ruleset) -> Iterator[str]:
    """Rules of new and changed chains, then new elements, which may point at these chains."""
    table = f"ip {desired.table}"
    for name, chain in sorted(desired.chains.items()):
        old = applied.chains.get(name)
        if old == chain:
            continue
        if old is not None:
            yield f"flush chain {table} {name}"
        yield from (f"add rule {table} {name} {rule}" for rule in chain.rules)
    for name, new in sorted(desired.elements.items()):
        known = applied.elements.get(name, {})
        added = [f"{key} : {verdict}" for key, verdict in sorted(new.items()) if known.get(key) != verdict]
        if added:
            yield f"add element {table} {name} {{ {', '.join(added)} }}"


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
