"""What the rules ask: typed and tested Python, so that rules hold rules only."""
