"""The process: ASGI app, transports, settings, authentication, limits, command line."""
