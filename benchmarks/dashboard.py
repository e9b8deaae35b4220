"""How often a second the player is brought up to date in a browser: its main chart alone, and all panels at once.

python benchmarks/dashboard.py [SCENARIO] [--seconds N]

The run is exported, opened in headless Chromium without a graphics card, and asked for one quarter after another, each as
soon as all panels show the one before and a frame was painted with it. Needs a Chromium and the extra `dev` (playwright).
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "dashboards"))

from parts.export import export_html  # after the directory is on the path
from parts.trajectory import run_and_trace

PANELS = ["shares", "table", "flows", "network", "events", "ladder", "symbiosis", "environment"]
SETUPS = {"main chart": (["shares"], (1440, 900)), "all panels": (PANELS, (1440, 2000))}
AT_LEAST = {"main chart": 20, "all panels": 10}
# Mounts the player anew with some of its panels, and moves it along the run for so many seconds.
MEASURE = """async ([panels, seconds]) => {
  for (const player of ecosimPlayers) player.destroy();
  const { runs, texts } = JSON.parse(document.getElementById("data").textContent);
  const host = document.querySelector(".export-run > div");
  const begun = performance.now();
  const player = ecosimPlayer.mount(host, runs[0], { texts, panels });
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const drawn = async () => {
    do await frame(); while (Object.values(player.statistics()).some((panel) => panel.behind || !panel.updates));
    await frame();
  };
  await drawn();
  const first = performance.now() - begun;
  const last = runs[0].labels.length;
  const start = performance.now();
  let updates = 0;
  for (; performance.now() - start < 1000 * seconds; updates++) {
    player.seek(updates % last, false);
    await drawn();
  }
  const rate = (1000 * updates) / (performance.now() - start);
  const each = Object.entries(player.statistics()).map(([name, one]) => [name, one.milliseconds / one.updates]);
  player.destroy();
  return { rate, first, each: Object.fromEntries(each) };
}"""


def measure(scenario: str, seconds: float) -> dict[str, object]:
    """Return updates a second by setup, with milliseconds of script by panel, and how long the page takes to be drawn."""
    begun = time.perf_counter()
    traced = run_and_trace(scenario, 1)
    traced_in = time.perf_counter() - begun
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("no Chromium found: install one, such as Debian's package chromium")
    results: dict[str, object] = {"scenario": scenario, "quarters": len(traced.quarters), "run_and_trace_s": traced_in}
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        path = Path(directory) / "run.html"
        path.write_text(export_html(traced.trajectory), encoding="utf-8")
        results["file_mb"] = path.stat().st_size / 1e6
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, (panels, (width, height)) in SETUPS.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(path.as_uri())
            results[name] = page.evaluate(MEASURE, [panels, seconds])
            page.close()
        browser.close()
    return results


def main() -> None:
    """Measure, print a table and keep the numbers beside this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="?", default="huawei-ecosystem")
    parser.add_argument("--seconds", type=float, default=5.0)
    asked = parser.parse_args()
    results = measure(asked.scenario, asked.seconds)
    print(
        f"{asked.scenario}: {results['quarters']} quarters, run and traced in {results['run_and_trace_s']:.2f} s, "
        f"a file of {results['file_mb']:.1f} MB; {platform.machine()}, Python {platform.python_version()}"
    )
    print(
        "| shown | updates a second | wanted | first drawn, ms | script a panel, ms |\n| --- | --- | --- | --- | --- |"
    )
    for name in SETUPS:
        found = results[name]
        assert isinstance(found, dict)
        each = ", ".join(f"{panel} {spent:.1f}" for panel, spent in found["each"].items())
        print(f"| {name} | {found['rate']:.1f} | {AT_LEAST[name]} | {found['first']:.0f} | {each} |")
    Path(__file__).with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
