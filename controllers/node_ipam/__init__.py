"""Every node's pod network, a part of the cluster's."""
