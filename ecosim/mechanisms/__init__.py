"""Mechanisms between roles: one file one mechanism, each with a switch under ``[rules]`` and parameters of its own name."""
