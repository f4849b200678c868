"""Startup, readiness and liveness probes: a pure state machine, one prober for each handler, and their manager."""
