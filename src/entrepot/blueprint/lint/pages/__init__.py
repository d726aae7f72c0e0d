"""The linter's codes as data, one module per family: title, reason, fix, samples."""
