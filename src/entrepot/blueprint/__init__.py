"""The plan as data: systems, accounts, teams, flows and failure modes, loaded from the user's YAML with positions."""
