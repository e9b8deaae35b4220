"""Policy: the taxes that all organisations pay and what government does with them (S003, service community)."""

from __future__ import annotations

from ecosim.parameters import Parameter, ParameterGroup

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("policy", __name__, {
    "tax_rate": Parameter(0.15, 0.0, 0.9, "share of surplus", "Tax on revenue less wages and contracts.", "Chinese high-technology enterprise income tax, 15 %"),
    "spending": Parameter(0.5, 0.0, 1.0, "1/quarter", "Part of its capital that government spends in a quarter.", _ASSUMED),
    "grants": Parameter(0.35, 0.0, 1.0, "share of spending", "What universities get.", "S003 3: basic research"),
    "subsidy": Parameter(0.15, 0.0, 1.0, "share of spending", "What firms and suppliers get in proportion to their research.", "S003 4.2(2) (P106)"),
    "support": Parameter(0.10, 0.0, 1.0, "share of spending", "What intermediaries get for coordination.", "S003 4.2(2) (P104)"),
    "outside_revenue": Parameter(0.2, 0.0, 1e4, "million CNY a person-year and year", "What a national or local government gets from taxes elsewhere, per person-year of its own talent.", _ASSUMED),
    "sharing_floor": Parameter(0.2, 0.0, 1.0, "share", "Sharing ratio that a regulator demands under the strategy 'regulated'.", "platform cuts of 70 to 88 % for complementors are the range seen"),
})  # fmt: skip
