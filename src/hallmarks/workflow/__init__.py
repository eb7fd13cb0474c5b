"""What the rules ask: which results there are, what each is made by, and whether it must be made again."""
