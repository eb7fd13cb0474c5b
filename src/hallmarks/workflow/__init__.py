"""What the rules ask: which results there are, what each is told, and whether it must be made again."""
