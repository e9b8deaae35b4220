"""The colours and patterns of charts, on the dashboard and in the documentation: told apart with any colour vision."""

from __future__ import annotations

# Okabe & Ito 2008, "Color universal design", and a grey.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK, GREY = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999",
)  # fmt: skip
# In an order that puts unlike colours next to each other: of the six roles, employees, society, nature.
BENEFICIARIES = (BLUE, ORANGE, GREEN, PINK, YELLOW, RED, SKY, GREY, BLACK)
# Of the same, for prints in grey: what is drawn on the colour.
PATTERNS = ("plain", "diagonal", "dots", "horizontal", "cross", "reverse", "vertical", "grid", "dense")
STAGES = {"incubation": "#F2F2F2", "growth": "#D9D9D9", "maturity": "#BFBFBF"}
