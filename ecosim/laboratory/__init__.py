"""The laboratory: what scholars claim of innovation ecosystems, declared as small experiments, run, and judged."""
