"""How fast Entrepot is: every number beside an ideal floor and beside what one would write instead, in one run."""
