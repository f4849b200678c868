"""Pod networking by CNI plugins: configuration, the exec protocol (0.3.1 to 1.0), and the pods' network on top."""
