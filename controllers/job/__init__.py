"""The Job controller: pods run to completion, each of which is counted exactly once."""
