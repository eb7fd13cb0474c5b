"""The kinds of claims, a file each: `Settings`, what the configuration states, and `judge`, the verdict.

Checking a configuration imports them, so none imports pandas.
"""
