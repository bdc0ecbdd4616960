"""What may be said about an item: updates, conditions, and what they come to."""
