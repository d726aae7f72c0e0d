"""Who may create, change, hold, override, correct, or only ask: decided from the plan's ownership section, on both planes, and remembered."""
