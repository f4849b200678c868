"""Pods that don't tolerate what their node has come to."""
