"""The configuration: typed, checked, and expanded to runs."""
