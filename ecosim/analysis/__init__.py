"""Analysis: what runs and studies show, fitted to data, and written down for people to read."""
