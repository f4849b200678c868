"""The audit log: who asked what of the server and what became of it, one JSON object a line.

What may enter here: the policy, the events, and where they are written. Follows
https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/ with the log backend.
"""
