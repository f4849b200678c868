"""Nodes' health: what becomes of a node that is not ready, and of its pods."""
