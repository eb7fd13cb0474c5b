"""Data sets, a file each: the facts that settings are checked against, and how the data are got."""
