"""Reproduces *The Directionality of Optimization Trajectories in Neural Networks* (ICLR 2025)."""
