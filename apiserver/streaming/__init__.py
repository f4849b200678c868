"""Streams between clients and what runs on nodes: logs, exec, attach, port-forward, proxies.

What may enter here: finding who is to be spoken to and passing bytes; what they mean is the client's and the kubelet's.
"""
