"""Studies, a file or a folder each: results without a trajectory of their own, or of finished runs."""
