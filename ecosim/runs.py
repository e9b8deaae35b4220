"""Runs without a screen: one call, five tables, a directory of result files."""

from __future__ import annotations
