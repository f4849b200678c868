"""Keeps one nftables table as desired, with the least work."""

from __future__ import annotations

import structlog

from proxy.nft import Nft, NftError, TableContents
from proxy.ruleset import Leftovers, Ruleset, Transaction, change, replacement

log = structlog.get_logger("proxy")


class ServiceTable:
    """One table. After a start, a failure or a foreign hand in it, it is made anew as a whole; else only changed."""

    def __init__(self, nft: Nft) -> None:
        self._nft = nft
        self._applied: Ruleset | None = None
        self._leftovers = Leftovers()
        self._clean_generation = -1
        """nftables' generation at which the table is known to be as we left it."""

    async def apply(self, desired: Ruleset) -> bool:
        """Makes the table hold what is desired; returns whether there was anything to do. Raises NftError."""
        if self._applied is None:
            await self._commit(replacement(desired), desired)
            return True
        transaction = change(self._applied, self._leftovers, desired)
        if not transaction.text:
            return False
        try:
            await self._commit(transaction, desired)
        except NftError as error:
            log.warning("Change of the table refused, making it anew", error=str(error))
            self._applied = None
            await self._commit(replacement(desired), desired)
        return True

    async def check(self) -> bool:
        """Whether the table is as it was left; where it is not, the next :meth:`apply` makes it anew.

        Costs one netlink question while nobody has changed anything in nftables. Raises NftError, OSError.
        """
        if self._applied is None:
            return False
        generation = self._nft.generation()
        if generation == self._clean_generation:
            return True
        if await self._nft.contents(self._applied.table) != self._expected(self._applied):
            self._applied = None
            return False
        self._clean_generation = generation
        return True

    async def _commit(self, transaction: Transaction, desired: Ruleset) -> None:
        before = self._nft.generation()
        was_clean = before == self._clean_generation or self._applied is None
        await self._nft.apply(transaction.text)
        self._applied = desired
        self._leftovers = transaction.leftovers
        after = self._nft.generation()
        self._clean_generation = after if was_clean and after == before + 1 else -1

    def _expected(self, ruleset: Ruleset) -> TableContents:
        rules = {name: len(chain.rules) for name, chain in ruleset.chains.items()}
        rules.update((name, 0) for name in self._leftovers.chains if name not in rules)
        elements = {name: len(ruleset.elements.get(name, {})) for name in ruleset.maps}
        return TableContents(rules, elements)
