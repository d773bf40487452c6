"""SQL of commands, a module per noun: what is locked, read and written when something changes."""
