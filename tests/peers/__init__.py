"""Outside systems that run for real here, from npm and PyPI, each in a folder of its own."""
