"""The reconcilers of the control plane, one file each, with a registry and a leader gate."""
