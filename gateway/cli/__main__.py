"""`python -m gateway.cli`: the `banyan` command."""

from gateway.cli import main

main()
