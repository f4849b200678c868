"""Chooses a node for every unbound Pod: decides in pure functions, binds through the API."""
