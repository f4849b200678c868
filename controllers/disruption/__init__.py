"""The disruption controller: how many of a budget's pods may be evicted now."""
