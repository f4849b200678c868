"""Cluster DNS on every host: names of Services and pods from the API, everything else from the host's resolvers."""
