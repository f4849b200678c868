"""Streams between clients and kubelets: logs, exec, attach.

What may enter here: finding the kubelet of a pod and passing bytes; what they mean is the client's and the kubelet's.
"""
