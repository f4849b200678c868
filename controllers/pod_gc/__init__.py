"""Pods that nobody else cleans up."""
