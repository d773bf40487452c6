"""Pure rules of order management: statuses, roll-up, availability, promise, permissions. No I/O, no clock."""
