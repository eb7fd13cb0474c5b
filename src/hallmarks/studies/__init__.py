"""Studies, a file each: results that have no trajectory, such as how alike random initialisations are."""
