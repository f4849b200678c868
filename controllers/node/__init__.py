"""The node controllers: lifecycle (silence, taints), eviction by taints, pod networks."""
