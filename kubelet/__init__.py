"""The node agent: turns the Pods bound to this node into containers, and tells what became of them."""
