"""Reproduces *The Directionality of Optimization Trajectories in Neural Networks* (ICLR 2025)."""

from hallmarks.witness.journal import follow_parent
from hallmarks.witness.sources import compile_from_source

compile_from_source()
follow_parent()
