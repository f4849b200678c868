"""The Node object, its status and its lease."""
