"""Optimizers, a file or a folder each: `Settings` are a recipe's `optimizer`, and build it."""
