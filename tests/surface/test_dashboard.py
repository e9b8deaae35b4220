"""The dashboard as a person meets it: a real server, a real browser, no network."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from types import ModuleType

import matplotlib.colors
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ecosim import Ecosystem

PROJECT = Path(__file__).parents[2]
APP = PROJECT / "dashboards" / "app.py"
SCREENS = {"desktop": (1440, 900), "phone": (390, 844)}
# A first run after a change compiles the rules.
PATIENCE = 300_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the dashboard on this machine, with no way out of it, and return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    nowhere = "http://127.0.0.1:9"
    environment = os.environ | {
        "PYTHONPATH": str(PROJECT), "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "False", "http_proxy": nowhere, "https_proxy": nowhere,
    }  # fmt: skip
    command = [sys.executable, "-m", "solara", "run", str(APP), "--host", "127.0.0.1", "--port", str(port), "--no-open",
               "--production", "--no-check-version"]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=log.parent, stdout=output, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}readyz", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
        else:
            pytest.fail(f"the server did not start: {log.read_text()}")
        yield address
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, server: str) -> Iterator[Page]:
    """Open the dashboard; at the end nothing may have gone wrong in the browser or been asked of another machine."""
    width, height = SCREENS[getattr(request, "param", "desktop")]
    opened = browser.new_page(viewport={"width": width, "height": height})
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("response", lambda response: wrong.append(response.url) if response.status >= 400 else None)
    opened.on(
        "request", lambda asked: None if asked.url.startswith((server, "data:", "blob:")) else wrong.append(asked.url)
    )
    opened.on("websocket", lambda asked: None if asked.url.startswith(f"ws{server[4:]}") else wrong.append(asked.url))
    opened.goto(server)
    expect(_button(opened, "Step")).to_be_enabled(timeout=60_000)
    yield opened
    opened.close()
    assert not wrong


def _button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def _press(page: Page, name: str, then: str) -> None:
    _button(page, name).click()
    expect(page.get_by_text(then)).to_be_visible(timeout=PATIENCE)
    expect(_button(page, "Reset")).to_be_enabled(timeout=PATIENCE)


def _table(page: Page) -> dict[str, list[float]]:
    cells = [row.split("\t") for row in page.locator("table.shares tbody").inner_text().split("\n") if row.strip()]
    return {name.strip(): [float(share.rstrip("%")) / 100 for share in shares] for name, *shares in cells}


def _seed(page: Page, number: int) -> None:
    field = page.get_by_label("Seed")
    field.fill(str(number))
    field.press("Enter")
    expect(page.get_by_text("Press Step to run one quarter")).to_be_visible()


@pytest.mark.parametrize("page", SCREENS, indirect=True)
def test_step_and_run(page: Page, tmp_path: Path) -> None:
    """Each press of Step adds a quarter, Run the rest; chart and table show them and fit the screen."""
    expect(page.locator(".chart svg, .chart img")).to_have_count(0)
    for quarter in (1, 2, 3):
        _press(page, "Step", f"Quarter {quarter} of 40")
    expect(page.locator(".chart svg, .chart img")).to_be_visible()
    _press(page, "Run", "Quarter 40 of 40")
    expect(_button(page, "Step")).to_be_disabled()
    chart, window = page.locator(".chart svg, .chart img").bounding_box(), page.viewport_size
    assert chart is not None
    assert window is not None
    assert chart["width"] > 0.4 * window["width"]
    assert chart["x"] >= 0
    assert chart["x"] + chart["width"] <= window["width"]
    assert chart["y"] + 0.5 * chart["height"] < window["height"], "half of the chart is seen without scrolling"
    assert page.evaluate("document.documentElement.scrollWidth") <= window["width"]
    model = Ecosystem("classroom", seed=1).run()
    expected = model.value_shares()
    assert page.locator("table.shares thead").inner_text().lower().split() == list(expected.index)
    shown = _table(page)
    assert list(shown) == list(reversed(model.recorder.beneficiaries))
    for name, shares in shown.items():
        assert shares == pytest.approx(expected[name].tolist(), abs=0.00051), name
    page.locator("table.shares tr").last.scroll_into_view_if_needed()
    expect(page.locator("table.shares tr").last).to_be_in_viewport()
    # A picture for whoever wants to look; what it shows is checked above.
    page.screenshot(path=tmp_path / "dashboard.png", full_page=True)


def test_seed_and_reset(page: Page) -> None:
    """Reset clears the page, another seed gives another run, and the same seed the same one."""
    tables = []
    for seed in (1, 2, 1):
        _seed(page, seed)
        _press(page, "Run", "Quarter 40 of 40")
        tables.append(_table(page))
        _button(page, "Reset").click()
        expect(page.locator("table.shares")).to_have_count(0)
    assert tables[0] == tables[2] != tables[1]


def test_other_scenario(page: Page) -> None:
    """Another scenario starts anew, under its own title."""
    _press(page, "Step", "Quarter 1 of 40")
    page.get_by_label("Scenario").click(force=True)
    page.get_by_role("option", name="limit-symbiosis", exact=True).click()
    expect(page.locator("table.shares")).to_have_count(0)
    steps = Ecosystem("limit-symbiosis").scenario.steps
    _press(page, "Step", f"Quarter 1 of {steps}")


def test_bad_seed_is_told(page: Page) -> None:
    """A seed that is none is told in the engine's own sentence, and a good one afterwards runs."""
    _seed(page, -1)
    _press(page, "Step", "seed is -1; valid is a whole number from 0")
    _seed(page, 3)
    _press(page, "Step", "Quarter 1 of 40")


# -- the drawing alone -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def app() -> ModuleType:
    """Load the page as a module, without a server."""
    spec = importlib.util.spec_from_file_location("dashboard_app", APP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("steps", [1, 40])
def test_chart_draws_the_shares(app: ModuleType, steps: int) -> None:
    """The areas stack up to each quarter's shares, in the colours of the table; the strip and lines show the stages."""
    model = Ecosystem("classroom", seed=1).run(steps)
    strip, area = app.share_chart(model).axes
    colours = app.colours(model)
    assert len(set(colours.values())) == len(colours) == 9
    shares = model.metrics[[f"share_{name}" for name in colours]].to_numpy()
    tops = shares.cumsum(axis=1)
    for position, (patch, colour) in enumerate(zip(area.collections, colours.values(), strict=True)):
        assert matplotlib.colors.to_hex(patch.get_facecolor()[0]).upper() == colour
        assert patch.get_paths()[0].vertices[:, 1].max() == pytest.approx(tops[:, position].max())
    assert tops[:, -1] == pytest.approx(np.ones(steps))
    stages = [stage for stage, _ in groupby(model.metrics["stage"])]
    assert len(strip.patches) == len(stages)
    assert len(area.lines) == len(stages) - 1
    assert area.get_xlim() == (2000.0, 2000.0 + steps / 4)


def test_further_role_is_shown(app: ModuleType, tmp_path: Path) -> None:
    """A further role gets a row and a colour too."""
    (tmp_path / "bank.py").write_text("from ecosim import Organisation\n\n\nclass Bank(Organisation):\n    pass\n")
    model = Ecosystem("classroom", seed=1, agents=[tmp_path]).run(1)
    assert app.share_table(model).count("<tr>") == 1 + 10
    assert ">bank</td>" in app.share_table(model)
    assert len(app.share_chart(model).axes[1].collections) == 10
