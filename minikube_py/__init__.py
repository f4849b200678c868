"""What every component shares, and the command line.

Layers, lowest first: ``api`` (pure), ``client``, ``runtime``, then the component packages beside this
one (``apiserver``, ``scheduler``, ``controllers``, ``kubelet``, ``proxy``), then ``cluster`` on top.
"""

__version__ = "0.1.0"
