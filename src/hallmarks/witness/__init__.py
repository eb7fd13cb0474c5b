"""What this process itself is seen to do: the sources that it runs, the files that it reads and writes."""
