"""The scheduling plugins, one file each. A plugin is pure: it may import the API layer, and nothing that does I/O."""
