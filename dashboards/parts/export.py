"""A run as one HTML file that opens from disk: the player, its data and its texts, and nothing that asks the network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from parts.texts import CHINESE, ENGLISH, LANGUAGES, both_languages, catalogue, name, of_scenario, organisation

ASSETS = Path(__file__).parents[1] / "assets"
LIBRARY, PLAYER, STYLE = "vendor/echarts/echarts.min.js", "player.js", "player.css"
# What an element of type script cannot hold, so that no name ends it or begins another.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def player_texts(trajectories: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return all texts that the player needs: its own, the engine's words, and names in these runs that are translated."""
    found = catalogue("player", "word")
    for trajectory in trajectories:
        called = {node["name"] for node in trajectory["network"]["nodes"]}
        called |= {component["name"] for component in trajectory["ladder"]["components"]}
        called |= {event[key] for event in trajectory["events"] for key in ("subject_name", "object_name")}
        for english in called:
            chinese = organisation(english, CHINESE)
            if chinese != english:
                found[f"name.{english}"] = {ENGLISH: english, CHINESE: chinese}
    return found


def export_html(
    trajectories: Mapping[str, Any] | Sequence[Mapping[str, Any]], extra_html: str = "", language: str = ENGLISH
) -> str:
    """Return a whole page that plays one run or several below each other, in both languages, and prints as a worksheet.

    Parameters
    ----------
    trajectories : what `parts.trajectory` makes of a run, or several.
    extra_html : HTML to put between the head and the runs, such as a student's answers; whoever makes it escapes it.
    language : the language that the page opens in.
    """
    runs = [trajectories] if isinstance(trajectories, Mapping) else list(trajectories)
    data = json_for_script({"runs": runs, "texts": _page_texts(runs), "language": language, "languages": LANGUAGES})
    scripts = [(ASSETS / file).read_text(encoding="utf-8") for file in (LIBRARY, PLAYER)]
    scripts = [script.replace("</script", "<\\/script") for script in (*scripts, _START)]
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"
    styles = (ASSETS / STYLE).read_text(encoding="utf-8") + _STYLE
    titles = " · ".join(dict.fromkeys(run["scenario"]["title"] for run in runs))
    return _PAGE.format(
        language=html.escape(language), policy=html.escape(policy), title=html.escape(titles), styles=styles, extra=extra_html, data=data,
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )  # fmt: skip


def json_for_script(value: Any) -> str:
    """Return JSON that stays data inside an element of type script, whatever the names in it say."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_ESCAPES)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _page_texts(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the player's texts with those of the page around it: titles, questions, what was changed."""
    found = player_texts(runs) | {key: both for key, both in both_languages().items() if key.startswith("export.")}
    for position, run in enumerate(runs):
        scenario = run["scenario"]
        for part in ("title", "question"):
            english = scenario[part]
            chinese = of_scenario(scenario["name"], part, english, CHINESE)
            found[f"run.{position}.{part}"] = {ENGLISH: english, CHINESE: chinese}
        for path in {*run["changes"], *(path for _, values in run.get("branches", []) for path in values)}:
            found[f"path.{path}"] = {ENGLISH: path, CHINESE: f"{name(path, CHINESE)} ({path})"}
    return found


_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="ecosim">
<title>{title}</title>
<style>
{styles}
</style>
</head>
<body>
<header class="export-head"><nav id="languages"></nav></header>
<main>
<section class="export-extra">{extra}</section>
<div id="runs"></div>
</main>
<script type="application/json" id="data">{data}</script>
{scripts}
</body>
</html>
"""

_STYLE = """
body { margin: 0; background: #f4f4f4; color: #1a1a1a; font: 16px/1.4 system-ui, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC",
  "Microsoft YaHei", "PingFang SC", "WenQuanYi Micro Hei", sans-serif; }
main { max-width: 1680px; margin: 0 auto; padding: 0 12px 32px; }
.export-head { display: flex; justify-content: flex-end; padding: 8px 12px 0; }
.export-head button { font: inherit; min-height: 36px; margin-left: 6px; padding: 2px 12px; border: 1px solid #767676; border-radius: 6px; background: #fff; cursor: pointer; }
.export-head button[aria-pressed="true"] { background: #d9e8f3; border-color: #005a94; }
.export-run h1, .export-run h2 { font-size: 26px; line-height: 1.2; margin: 4px 0; }
.export-run h2 { margin-top: 28px; }
.export-run > p { margin: 0 0 6px; font-size: 18px; }
.export-run > p.from { font-size: 15px; color: #595959; overflow-wrap: anywhere; }
.export-extra:empty { display: none; }
:focus-visible { outline: 3px solid #005a94; outline-offset: 2px; }
@media (max-width: 640px) { main { padding: 0 6px 24px; } .export-run h1 { font-size: 22px; } .export-run > p { font-size: 16px; } }
@media print { body { background: #fff; } .export-head { display: none; } main { padding: 0; } .export-run + .export-run { break-before: page; } }
"""

_START = """
(() => {
  const { runs, texts, language, languages } = JSON.parse(document.getElementById("data").textContent);
  const shown = { language };
  const text = (key, values = {}) => {
    const template = texts[key]?.[shown.language] ?? texts[key]?.en ?? key;
    return template.replace(/\\{(\\w+)\\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  };
  const make = (tag, content = "", kind = "") => {
    const made = document.createElement(tag);
    made.textContent = content;
    made.className = kind;
    return made;
  };
  const changed = (run) => {
    const told = (values) => Object.entries(values).map(([path, value]) => `${text(`path.${path}`)} = ${value}`).join(", ");
    const parts = [told(run.changes), ...(run.branches ?? []).map(([step, values]) => `${run.labels[step] ?? step}: ${told(values)}`)];
    return parts.filter(Boolean).join("; ") || text("export.unchanged");
  };
  const places = runs.map((run, position) => {
    const section = make("section", "", "export-run");
    const [title, question, from, host] = [make(position ? "h2" : "h1"), make("p"), make("p", "", "from"), make("div")];
    section.append(title, question, from, host);
    document.getElementById("runs").append(section);
    return { run, position, title, question, from, player: ecosimPlayer.mount(host, run, { language, texts }) };
  });
  const buttons = Object.entries(languages).map(([code, label]) => {
    const button = make("button", label);
    button.type = "button";
    button.lang = code;
    button.addEventListener("click", () => choose(code));
    return [code, button];
  });
  document.getElementById("languages").append(...buttons.map(([, button]) => button));
  const choose = (code) => {
    shown.language = code;
    document.documentElement.lang = code;
    document.getElementById("languages").setAttribute("aria-label", text("export.language"));
    for (const [other, button] of buttons) button.setAttribute("aria-pressed", String(other === code));
    for (const { run, position, title, question, from, player } of places) {
      title.textContent = text(`run.${position}.title`);
      question.textContent = text(`run.${position}.question`);
      from.textContent = text("export.from", { scenario: run.scenario.name, seed: run.seed, changes: changed(run), version: run.version, hash: run.hash.slice(0, 12) });
      player.setLanguage(code);
    }
    document.title = places.map(({ title }) => title.textContent).join(" \\u00b7 ");
  };
  choose(language);
  window.ecosimPlayers = places.map(({ player }) => player);
})();
"""
