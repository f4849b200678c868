"""What a component's main loop is made of: informers, work queues, controller loops, clocks, logs, metrics."""
