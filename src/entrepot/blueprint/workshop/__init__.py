"""The plan as a spreadsheet, for those who do not edit YAML: out, and back with a preview of what would change."""
