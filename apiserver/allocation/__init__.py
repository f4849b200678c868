"""Service addresses and node ports: one key in etcd per number given out, written before the Service that has it.

What may enter here: who has which number. A number is taken with a create that only one server can win, and given back
after the Service is gone; a crash in between leaves a number taken that nobody has, which the repair at start frees.
"""
