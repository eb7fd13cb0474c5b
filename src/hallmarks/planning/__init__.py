"""What a run of the workflow would do and cost before anything is spent, and how far one that runs is."""
