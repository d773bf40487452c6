"""What changes state, one module per command; each item is one transaction that came through the inbox."""
