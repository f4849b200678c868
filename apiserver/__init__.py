"""Serves the Kubernetes API over HTTPS: authentication to etcd and back; no other component is imported here."""
