"""Encryption at rest: values are sealed before they reach etcd, by ``--encryption-provider-config``.

What may enter here: the configuration, the ciphers, and the store that applies them. Form and prefixes are those of
https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/.
"""
