"""One module per business flow: it wires connectors, trade and money together, and its docstring is the flow's story."""
