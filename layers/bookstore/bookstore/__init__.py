"""The domain: the models of a bookstore, and nothing else. Replace this package by your own."""
