"""The kubelet's HTTPS endpoint: logs, exec, attach, port-forward, and what the kubelet tells of itself."""
