"""Columns and rows of the Table form that ``kubectl get`` asks for; pure, no I/O. The envelope is the caller's.

One module per family of kinds, each registering a :class:`~apiserver.table.columns.Printer`. A kind without a
printer gets upstream's default columns, Name and Created At.
"""

from apiserver.table.printers import columns, conditions, row

__all__ = ["columns", "conditions", "row"]
