"""The linter: what a plan says that will hurt, found before it does. One module per family of codes; `pages/` explains them."""
