"""What a pod sees of the network beside its interfaces: names, hosts file and resolver settings. Pure."""
