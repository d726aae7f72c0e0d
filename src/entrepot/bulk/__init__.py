"""The bulk plane: files of a million offers, told apart from the last ones before anything is parsed."""
