"""The DaemonSet controller: one pod of a template on every node that is to have one."""
