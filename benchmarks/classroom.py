"""What a class costs the machine that serves it: first paint, slider to chart, memory by session, thirty sessions that play.

python benchmarks/classroom.py [--sessions 30] [--visits 50]

Starts ``ecosim dashboard``, opens its live page on the scenario classroom in headless Chromium, and writes benchmarks/classroom.json.
The browsers run on the same machine and share its processors with the server. Needs Linux, a Chromium and the extra `dev`.
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


def visit(browser: Browser, address: str) -> Page:
    """Open the live page in a session of its own and wait for its chart."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(address)
    page.wait_for_selector(CHART, timeout=300_000)
    page.wait_for_selector(".page-player .panel.table table.shares tr", timeout=60_000)
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
    paint = time.perf_counter() - begun
    moves = [first.evaluate(MOVE, [value, CHANGED]) for value in (0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4)]
    leave(first)
    before = resident(pid)
    for _ in range(visits):
        leave(visit(browser, address))
    while kernels(address):
        time.sleep(0.5)
    after = resident(pid)
    pages = [visit(browser, address) for _ in range(sessions)]
    held = resident(pid)
    for page in pages:
        page.get_by_role("button", name="Play").first.click()
    time.sleep(1.0)
    spent, begun = worked(pid), time.perf_counter()
    time.sleep(5.0)
    busy = (worked(pid) - spent) / (time.perf_counter() - begun)
    crowded = [page.evaluate(MOVE, [0.2, CHANGED]) for page in pages[:5]]
    for page in pages:
        leave(page)
    while kernels(address):
        time.sleep(0.5)
    return {
        "first paint, s": paint,
        "slider to chart, ms, median": statistics.median(moves),
        "slider to chart, ms, longest": max(moves),
        "memory of the server before, MB": before,
        f"memory after {visits} sessions opened and closed, MB": after,
        f"memory by session, of {sessions} open, MB": (held - after) / sessions,
        "memory after all are closed, MB": resident(pid),
        f"processors that the server uses while {sessions} sessions play": busy,
        f"slider to chart while {sessions} sessions play, ms, median": statistics.median(crowded),
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
