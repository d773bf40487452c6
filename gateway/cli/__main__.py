"""`python -m gateway.cli`: the same as `ordergraph`, also after the folder was moved."""

from gateway.cli import main

main()
