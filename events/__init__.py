"""How a change travels: intake, relay, log, fan-out."""
