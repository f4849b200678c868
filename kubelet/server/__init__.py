"""The kubelet's HTTPS endpoint: logs, exec and attach for the API server, and what the kubelet tells of itself."""
