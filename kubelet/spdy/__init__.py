"""SPDY/3.1, as far as exec, attach and port-forward speak it.

What may enter here: frames and their state, without I/O, and the one adapter that carries them over a byte stream;
what streams mean is :mod:`kubelet.server`'s.
"""
