"""The configuration: typed, overlaid and checked."""
