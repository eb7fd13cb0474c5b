"""Data: got and checked once, and the batches that training takes of them."""
