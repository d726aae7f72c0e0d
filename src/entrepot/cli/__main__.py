"""`python -m entrepot.cli`: the same as the `entrepot` command."""

from entrepot.cli.main import main

main()
