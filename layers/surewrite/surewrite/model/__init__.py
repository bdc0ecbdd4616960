"""What an item is: its model, its keys, its fields and its form on the wire."""
