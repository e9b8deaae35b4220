"""Studies: many runs by design, from a study file to the results on disk."""
