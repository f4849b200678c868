"""What upstream's versioned defaulting writes into objects; pure functions that never change their arguments.

One module per kind, each with ``default(obj) -> obj``, composed of the functions in
:mod:`apiserver.strategies.defaults.filling`.
"""
