"""Schedules of the learning rate, a file each."""
