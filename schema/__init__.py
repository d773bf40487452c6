"""What clients see: Strawberry types whose fields say where their data comes from."""
