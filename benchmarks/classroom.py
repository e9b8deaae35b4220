"""What a class costs the machine that serves it: first paint, slider to chart, memory by session, thirty sessions that play.

python benchmarks/classroom.py [--sessions 30] [--visits 50]

Starts ``ecosim dashboard``, opens its live page on the scenario classroom in headless Chromium, and writes benchmarks/classroom.json.
The pages of the whole class are drawn on the same machine, without a graphics card, and share its processors with the server; in a
class each is drawn on a machine of its own. So the sessions play twice: with the screens of phones, and with those of laptops, on
which more panels are in sight. Each has a seed of its own, and must have it still when it has played. Needs Linux, a Chromium and
the extra `dev`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHART = ".page-player .panel.shares :is(canvas, svg)"
# Resolves once the table of shares says something else and a frame was painted with it.
CHANGED = """before => new Promise(done => {
  const table = () => document.querySelector('.page-player .panel.table table.shares');
  const look = () => table().innerText !== before
    ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))) : requestAnimationFrame(look);
  look();
})"""
MOVE = """([value, changed]) => {
  const before = document.querySelector('.page-player .panel.table table.shares').innerText;
  const slider = document.querySelector('.controls-list input[type=range]');
  const begun = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event('input'));
  slider.dispatchEvent(new Event('change'));
  return eval(changed)(before).then(now => now - begun);
}"""

# Plays on and on for so many seconds, and resolves to how often a second the main chart was brought up to date.
PLAY = """seconds => { window.played = new Promise(done => {
  const player = document.querySelector('.page-player .player-place').__vue__.player;
  const slider = document.querySelector('.page-player input.time');
  const play = document.querySelector('.page-player button.play');
  document.querySelector('.page-player .speed select').value = '16';
  document.querySelector('.page-player .speed select').dispatchEvent(new Event('change'));
  play.click();
  const [begun, before] = [performance.now(), player.statistics().shares.updates];
  const look = () => {
    const spent = performance.now() - begun;
    if (slider.value === slider.max) play.click();
    if (spent < 1000 * seconds) requestAnimationFrame(look);
    else done(1000 * (player.statistics().shares.updates - before) / spent);
  };
  look();
}); }"""
SCREENS = {"phones": (390, 844), "laptops": (1440, 900)}
SECONDS = 10.0


@contextmanager
def served() -> Iterator[tuple[str, int]]:
    """Serve the dashboard; give its address and the process's number."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "ecosim", "dashboard", "--port", str(port), "--no-open"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:  # nobody listens yet, or the server is busy
                time.sleep(0.1)
        else:
            sys.exit("the server ended before it answered; its reason stands above")
        yield address, process.pid
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def resident(pid: int) -> float:
    """Return the megabytes that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def worked(pid: int) -> float:
    """Return the seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kernels(address: str) -> int:
    """Return how many pages the server holds the state of."""
    with urllib.request.urlopen(f"{address}resourcez", timeout=20) as answer:
        return int(json.load(answer)["kernels"]["total"])


def visit(browser: Browser, address: str, seed: int = 1, screen: str = "laptops") -> Page:
    """Open the live page in a session of its own and wait for its chart."""
    width, height = SCREENS[screen]
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.goto(f"{address}?seed={seed}")
    page.wait_for_selector(CHART, timeout=300_000)
    return page


def leave(page: Page) -> None:
    """Close a page as a person does."""
    page.goto("about:blank")
    page.context.close()


def measure(browser: Browser, address: str, pid: int, sessions: int, visits: int) -> dict[str, float]:
    """Return what was measured, by name with its unit."""
    leave(visit(browser, address))  # reads the machine code of the rules
    begun = time.perf_counter()
    first = visit(browser, address)
    charted = time.perf_counter() - begun
    painted = first.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000.0
    moves = [first.evaluate(MOVE, [value, CHANGED]) for value in (0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4)]
    leave(first)
    before = resident(pid)
    for _ in range(visits):
        leave(visit(browser, address))
    while kernels(address):
        time.sleep(0.5)
    after = resident(pid)
    found = {
        "first paint, s": painted,
        "from the address to the chart, s": charted,
        "slider to chart, ms, median": statistics.median(moves),
        "slider to chart, ms, longest": max(moves),
        "memory of the server before, MB": before,
        f"memory after {visits} sessions opened and closed, MB": after,
    }
    for screen in SCREENS:
        found |= crowd(browser, address, pid, sessions, screen)
    return found | {"memory after all are closed, MB": resident(pid)}


def crowd(browser: Browser, address: str, pid: int, sessions: int, screen: str) -> dict[str, float]:
    """Return what it takes to let a class play at once, and how smoothly its charts move."""
    before = resident(pid)
    pages = [visit(browser, address, seed, screen) for seed in range(1, sessions + 1)]
    held = resident(pid)
    for page in pages:
        page.evaluate(PLAY, SECONDS)
    spent, begun = worked(pid), time.perf_counter()
    rates = [page.evaluate("window.played") for page in pages]
    busy = (worked(pid) - spent) / (time.perf_counter() - begun)
    for seed, page in enumerate(pages, start=1):
        if page.get_by_label("Luck (seed)").input_value() != str(seed) or page.get_by_role("alert").count():
            sys.exit(f"the session of seed {seed} is not what it was; it shows {page.inner_text('body')[:200]}")
        leave(page)
    while kernels(address):
        time.sleep(0.5)
    return {
        f"memory by session, of {sessions} open on {screen}, MB": (held - before) / sessions,
        f"processors that the server uses while {sessions} {screen} play": busy,
        f"updates a second of {sessions} {screen} that play at once, least": min(rates),
        f"updates a second of {sessions} {screen} that play at once, median": statistics.median(rates),
    }


def main() -> None:
    """Measure, print, and write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--visits", type=int, default=50)
    chosen = parser.parse_args()
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        sys.exit("no Chromium found: install one, such as Debian's package chromium")
    with served() as (address, pid), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        measured = measure(browser, address, pid, chosen.sessions, chosen.visits)
        browser.close()
    result = {
        "machine": platform.platform(),
        "processors": os.cpu_count(),
        **{name: round(value, 3) for name, value in measured.items()},
    }
    for name, value in result.items():
        print(f"{name}: {value}")
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
