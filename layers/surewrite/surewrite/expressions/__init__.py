"""What may be said about an item: updates and conditions, and what they do."""
