"""Priority and fairness: how many requests are worked on at once, and whose turn it is.

What may enter here: classifying requests by FlowSchemas, and the queues of PriorityLevelConfigurations. Follows
https://kubernetes.io/docs/concepts/cluster-administration/flow-control/ but for two things: a level lends its unused
seats to no other, and each flow has a queue of its own where upstream shuffles flows over a fixed number of them.
"""
