"""Events posted to whoever registered for them: in order, at least once, by one process at a time."""
