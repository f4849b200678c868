"""The top layer: the command line, the PKI, the supervisor; it may import every component, none may import it."""
