"""Optimizers, a file each: `Settings` are a recipe's `optimizer`, and build it."""
