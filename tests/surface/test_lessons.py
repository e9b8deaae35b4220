"""The lessons: what they say happened is what the model does, and a student's answers are there tomorrow."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from scipy import stats

import ecosim
from ecosim import load_scenario
from pages import lessons as page_of_lessons
from parts import lesson as lesson_files
from parts import lesson_runs
from parts.lesson import LESSONS, Lesson, in_language, lessons
from parts.lesson_runs import SEEDS, against_paper, judged, luck, paired, shape, values_of, verdict
from parts.texts import LANGUAGES, text
from parts.trajectory import Stopped
from parts.worksheet import result, told

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
KEYS = sorted(path.stem for path in LESSONS.glob("*.toml"))
# Runs of the long scenarios take a second; ten of them say enough here.
FEW = tuple(range(1, 11))


def _never() -> bool:
    return False


def _quiet(done: int, total: int) -> None:
    assert 0 < done <= total


@pytest.fixture(scope="module")
def values() -> Callable[[str], Any]:
    """Return what gives the values of a lesson's runs, each run once for all tests."""
    found: dict[str, Any] = {}

    def of(key: str) -> Any:
        if key not in found:
            lesson = lessons()[key]
            seeds = SEEDS if load_scenario(lesson.scenario).steps <= 40 else FEW
            found[key] = values_of(lesson, seeds, _quiet, _never)
        return found[key]

    return of


def _sentences(lesson: Lesson) -> Iterator[dict[str, str]]:
    """Give each text of a lesson."""
    yield from map(dict, (lesson.title, lesson.question, lesson.story, lesson.prompt, lesson.claim))
    yield from (dict(future.name) for future in lesson.futures)
    yield from (dict(choice.text) for choice in lesson.choices)
    yield from (dict(measure.name) for measure in lesson.measures if measure.name)
    yield from (dict(why) for _, why in lesson.why)
    yield from (dict(what) for what, _, _ in lesson.onward)
    yield from map(dict, (*lesson.pitfalls, *lesson.questions))


def test_there_are_lessons_in_an_order() -> None:
    """A course has at least six lessons, each at its own place."""
    assert len(KEYS) >= 6
    assert list(lessons()) != KEYS, "the order is that of the course"
    assert sorted(lesson.order for lesson in lessons().values()) == list(range(1, len(KEYS) + 1))


def test_the_teachers_page_lists_the_lessons() -> None:
    """Title, address, minutes and scenario of each lesson stand in the how-to, in the order of the course."""
    page = (LESSONS.parents[1] / "docs" / "how-to" / "teach-a-lesson.md").read_text(encoding="utf-8")
    rows = [row.split(" | ") for row in page.splitlines() if row.startswith("| ") and "`#" in row]
    told = [
        (row[0].removeprefix("| "), row[1].strip("`#"), int(row[2]), row[3].split("]")[0].strip("[")) for row in rows
    ]
    assert told == [(one.title["en"], one.key, one.minutes, one.scenario) for one in lessons().values()]


@pytest.mark.parametrize("key", KEYS)
def test_each_lesson_is_whole_in_both_languages(key: str) -> None:
    """Nothing that a student or a teacher reads is missing in a language."""
    lesson = lessons()[key]
    assert lesson.pitfalls
    assert lesson.questions
    assert lesson.onward
    for sentence in _sentences(lesson):
        assert set(sentence) == set(LANGUAGES), sentence
        assert all(sentence.values()), sentence
    for part in lesson.source.split("; "):
        paper, place = part.split(" ", 1)
        assert place
        for language in LANGUAGES:
            assert text(f"lesson.paper_of.{paper}", language) != f"lesson.paper_of.{paper}"


@pytest.mark.parametrize("key", KEYS)
def test_each_lesson_runs_and_explains_what_comes_out(key: str, values: Callable[[str], Any]) -> None:
    """The runs work, an explanation belongs to what comes out today, and the page says the number in both languages."""
    lesson, measured = lessons()[key], values(key)
    assert measured.shape[:2] == (len(lesson.measures), len(lesson.futures))
    assert len(np.unique(measured[0], axis=0)) == len(lesson.futures), "futures that do not differ teach nothing"
    found = judged(lesson, measured)
    explanation = lesson.explanation(found.reading, found.number)
    assert explanation is not None, f"{key}: nothing explains '{found.reading}', {found.number:g}"
    if lesson.choices:
        assert found.reading in [choice.name for choice in lesson.choices]
    prediction = lesson.choices[0].name if lesson.choices else lesson.low
    for language in LANGUAGES:
        page = result(lesson, found, prediction, language)
        assert "lesson." not in page.replace("ecosim.lesson.", ""), "a text is missing"
        assert "nan" not in page
        assert told(lesson, found, prediction, language) in page


def test_the_numbers_are_those_of_the_model(values: Callable[[str], Any]) -> None:
    """Shares, outcomes, years and intervals agree with the tables of `ecosim.run` and the t distribution of SciPy."""
    lesson, measured = lessons()["open-platform"], values("open-platform")
    for position, settings in enumerate(({"roles.firm.openness_target": 0.1}, {})):
        run = ecosim.run("classroom", seed=3, parameters=settings)
        late = run.value[run.value["step"] >= 20]
        share = late.loc[late["beneficiary"] == "supplier", "value"].sum() / late["value"].sum()
        assert measured[0, position, 2] == pytest.approx(100.0 * share)
        assert measured[4, position, 2] == pytest.approx(run.metrics["revenue_focal"][20:].mean())
    difference = measured[0, 1] - measured[0, 0]
    found = judged(lesson, measured)
    low, high = stats.t.interval(0.95, len(SEEDS) - 1, difference.mean(), stats.sem(difference))
    assert found.number == pytest.approx(difference.mean())
    assert found.half == pytest.approx((high - low) / 2, rel=1e-5)

    history = ecosim.run("huawei-ecosystem", seed=2).metrics
    expected = [int(history.loc[history["regime"] >= level, "year"].iloc[0]) for level in (2, 1)]
    assert values("three-ways-of-sharing")[:2, 0, 1].tolist() == expected


def test_futures_share_their_past_and_their_luck(values: Callable[[str], Any]) -> None:
    """A change in mid-run leaves what came before it alone; the same run twice gives the same numbers."""
    lesson = lessons()["trust-broken"]
    first, second = (lesson_runs.shown(lesson, position, 5, "before").trajectory for position in (0, 1))
    assert first["value"][:20] == second["value"][:20]
    assert first["value"][25:] != second["value"][25:]
    assert second["ghost"] == {"label": "before", "from": 20, "value": first["value"]}
    again = values_of(lesson, SEEDS[:2], _quiet, _never)
    assert np.array_equal(again, values("trust-broken")[:, :, :2])


def test_no_embargo_means_that_none_happens() -> None:
    """The twin without the scenario's events has none in its events."""
    lesson = lessons()["embargo"]
    happened = [
        {event["code"] for event in lesson_runs.shown(lesson, position, 1, "").trajectory["events"]}
        for position in (0, 1)
    ]
    assert "supply cut" not in happened[0]
    assert "supply cut" in happened[1]


def test_what_happened_is_read_and_not_written(values: Callable[[str], Any]) -> None:
    """The same lesson says the opposite of the opposite values: direction, explanation, verdict and paper all turn."""
    lesson, measured = lessons()["open-platform"], values("open-platform")
    found, turned = judged(lesson, measured), judged(lesson, measured[:, ::-1])
    assert {found.reading, turned.reading} == {"more", "less"}
    assert {against_paper(lesson, found), against_paper(lesson, turned)} == {"agrees", "contradicts"}
    assert verdict(lesson, found, turned.reading) == "wrong"
    assert verdict(lesson, turned, turned.reading) == "right"
    assert lesson.explanation(found.reading, found.number) != lesson.explanation(turned.reading, turned.number)
    alike = judged(lesson, np.stack([measured[:, 0], measured[:, 0] + np.tile((-1.0, 1.0), 10)], axis=1))
    assert alike.reading == "same"
    trust = lessons()["trust-broken"]
    broken = values("trust-broken")
    assert against_paper(trust, judged(trust, broken)) != against_paper(trust, judged(trust, broken[:, ::-1]))


def test_a_reading_follows_its_bands() -> None:
    """A band of a choice, a number with its tolerance, a year that never came: each is judged as the file says."""
    trust, year = lessons()["trust-broken"], lessons()["three-ways-of-sharing"]
    for factor, reading in ((0.5, "collapse"), (0.9, "fall"), (1.0, "hardly"), (1.2, "rise")):
        runs = np.ones((len(trust.measures), 2, 20))
        runs[0, 1] = factor + np.tile((-1e-6, 1e-6), 10)
        assert judged(trust, runs).reading == reading
    years = np.full((len(year.measures), 2, 20), math.nan)
    assert verdict(year, judged(year, years), 2010) == "never"
    years[0, 0, :5] = 2012
    found = judged(year, years)
    assert [verdict(year, found, guess) for guess in (2009, 2010, 2014, 2015)] == ["low", "near", "near", "high"]


@pytest.mark.parametrize(
    ("means", "reading"),
    [
        ((1, 2, 3, 4, 5), "rises"), ((1, 3, 5, 5, 5), "levels off"), ((1, 3, 5, 3, 1), "inverted U"), ((5, 4, 3, 2, 1), "falls"),
        ((3, 3, 3, 3, 3), "flat"),
    ],
)  # fmt: skip
def test_shapes_are_told_apart(means: tuple[float, ...], reading: str) -> None:
    """Curves of known shape, with noise that the same luck gives to all levels and a little that it does not."""
    random = np.random.default_rng(1)
    levels = np.array(means)[:, None] + random.normal(0, 1, 20) + random.normal(0, 0.1, (5, 20))
    assert shape(levels) == reading


def test_luck_is_the_ratio_of_two_scatters() -> None:
    """Of differences that scatter by 1 between runs that scatter by 3, sqrt(2 * 9 + 1) is left without the same luck."""
    random = np.random.default_rng(2)
    first = random.normal(0, 3, 20_00)
    pair = np.array([first, first + random.normal(0, 1, 20_00)])
    assert luck(pair) == pytest.approx(math.sqrt(19), rel=0.05)
    mean, half = paired(np.arange(20.0))
    assert mean - half == pytest.approx(stats.t.interval(0.95, 19, 9.5, stats.sem(np.arange(20.0)))[0], rel=1e-5)


def test_a_run_stops_when_nobody_waits() -> None:
    """A closed tab does not leave sixty runs behind."""
    asked: list[bool] = []

    def stopped() -> bool:
        asked.append(True)
        return len(asked) > 2

    with pytest.raises(Stopped):
        values_of(lessons()["open-platform"], SEEDS, _quiet, stopped)
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('of = "revenue_focal"', 'of = "revenues"', "lesson.toml: a measure asks for 'revenues'"),
        ('of = "supplier"', 'of = "suppliers"', "lesson.toml: a measure asks for 'suppliers'; did you mean 'supplier'"),
        ('holds = ["less"]', "holds = { from = 0 }", "lesson.toml: .*neither a list of readings nor a range"),
        ('is = "same"', 'is = "alike"', "lesson.toml: the choices leave a gap or overlap"),
        ('kind = "mean"', 'kind = "median"', "lesson.toml: a measure is of kind 'median'"),
        ('statistic = "difference"', 'statistic = "sum"', "lesson.toml: prediction.statistic is 'sum'"),
        ("openness_target", "openness_targets", "did you mean"),
        ("[paper]", "[papers]", "lesson.toml: 'paper' is missing"),
    ],
)
def test_a_wrong_lesson_is_refused_in_a_sentence(
    old: str, new: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A teacher who writes a lesson of her own is told which file is wrong, and what would be right."""
    written = (LESSONS / "open-platform.toml").read_text(encoding="utf-8")
    assert old in written
    (tmp_path / "lesson.toml").write_text(written.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(lesson_files, "LESSONS", tmp_path)
    with pytest.raises(ValueError, match=sentence):
        lesson_files.lessons.__wrapped__()


@pytest.mark.parametrize("given", ["", None, "1e999", "nan", "12; drop", {"a": 1}, [], 2051, "1997.9"])
def test_nonsense_is_no_prediction(given: Any) -> None:
    """What is not a number in the range, or not a choice, is not taken for an answer."""
    assert page_of_lessons.prediction_of(lessons()["three-ways-of-sharing"], given) is None
    assert page_of_lessons.prediction_of(lessons()["open-platform"], given) is None


def test_a_comma_and_a_long_minus_are_understood() -> None:
    """Numbers are read as people write them."""
    assert page_of_lessons.prediction_of(lessons()["embargo"], "−7,5") == -7.5
    assert page_of_lessons.prediction_of(lessons()["open-platform"], "less") == "less"


@pytest.fixture
def visitor(browser: Browser, dashboard: Any) -> Iterator[Callable[..., Page]]:
    """Return what opens pages in one browser profile; at the end nothing may have gone wrong in any of them."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def visit(place: str, width: int = 1440, height: int = 900) -> Page:
        if not contexts:
            contexts.append(browser.new_context(viewport={"width": width, "height": height}))
        page = contexts[0].new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("response", lambda response: wrong.append(response.url) if response.status >= 400 else None)
        near = (dashboard.address, "data:", "blob:", "file:")
        page.on("request", lambda asked: None if asked.url.startswith(near) else wrong.append(asked.url))
        page.goto(place if place.startswith("file:") else dashboard.address + place)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not wrong


def _commit(page: Page, choice: str, language: str = "en") -> None:
    page.get_by_label(choice, exact=True).check(timeout=60_000)
    page.get_by_role("button", name=text("lesson.commit", language)).click()


def _result(page: Page, language: str = "en") -> Any:
    heading = page.get_by_role("heading", name=text("lesson.happened", language))
    expect(heading).to_be_visible(timeout=300_000)
    return page.locator(".lesson-part").first


def test_nothing_is_told_before_the_student_commits(
    visitor: Callable[..., Page], values: Callable[[str], Any], tmp_path: Path
) -> None:
    """Predict, run, read what the model says, close the browser, come back, save a worksheet that plays without a network."""
    lesson = lessons()["open-platform"]
    found = judged(lesson, values("open-platform"))
    page = visitor("lessons")
    page.get_by_role("link", name=in_language(lesson.title, "en")).click(timeout=60_000)
    expect(page.get_by_role("heading", name=text("lesson.predict"))).to_be_visible()
    expect(page.locator(".lesson-part")).to_have_count(0)
    expect(page.get_by_role("heading", name=text("lesson.one_history"))).to_have_count(0)
    expect(page.get_by_role("button", name=text("lesson.commit"))).to_be_disabled()
    page.get_by_label(text("lesson.because")).fill("Sharing <b>helps</b> & grows.\nSo they gain.")
    _commit(page, "larger")
    expect(page.get_by_text("You said: larger")).to_be_visible()
    shown = _result(page)
    expect(shown.locator(".lesson-verdict")).to_have_text(told(lesson, found, "more", "en"))
    assert shown.locator("circle.lesson-dot").count() == len(SEEDS)
    page.get_by_role("textbox", name=text("lesson.conclude")).fill("Copying makes alike.")
    page.get_by_label(text("lesson.who")).fill("李 <script>")
    kept = "JSON.parse(localStorage['ecosim.lessons'])"
    page.wait_for_function(f"{kept}.who === '李 <script>' && {kept}.answers['open-platform'].conclusion")
    page.close()

    again = visitor("lessons?lang=zh#open-platform")
    shown = _result(again, "zh")
    expect(shown.locator(".lesson-verdict")).to_have_text(told(lesson, found, "more", "zh"))
    expect(again.get_by_role("textbox", name=text("lesson.conclude", "zh"))).to_have_value("Copying makes alike.")
    with again.expect_download(timeout=120_000) as download:
        again.get_by_role("button", name=text("lesson.save", "zh")).click()
    file = tmp_path / "worksheet.html"
    shutil.move(download.value.path(), file)

    sheet = visitor(file.as_uri())
    expect(sheet.locator(".lesson-sheet:lang(zh)")).to_contain_text(told(lesson, found, "more", "zh"))
    expect(sheet.locator(".lesson-sheet:lang(en)")).to_be_hidden()
    sheet.get_by_role("button", name="English").click()
    english = sheet.locator(".lesson-sheet:lang(en)")
    expect(english).to_be_visible()
    for written in ("Sharing <b>helps</b> & grows.", "So they gain.", "Copying makes alike.", "李 <script>"):
        expect(english).to_contain_text(written)
    expect(sheet.locator(".lesson-sheet:lang(zh)")).to_be_hidden()
    assert sheet.evaluate("window.ecosimPlayers.length") == 2
    time = sheet.get_by_role("slider").first
    time.focus()
    time.press("Home")
    expect(time).to_have_js_property("value", "0")
    sheet.get_by_role("button", name=text("player.control.play")).first.click()
    expect(time).not_to_have_js_property("value", "0")
    assert sheet.pdf()[:5] == b"%PDF-"


def test_an_answer_can_be_forgotten(visitor: Callable[..., Page]) -> None:
    """A class that starts anew starts with no answers, in the page and in the browser."""
    page = visitor("lessons#trust-broken")
    _commit(page, "higher by more than 5 percent")
    page.get_by_role("button", name=text("lesson.again")).click()
    expect(page.get_by_role("button", name=text("lesson.commit"))).to_be_visible()
    page.wait_for_function("JSON.parse(localStorage['ecosim.lessons']).answers['trust-broken'].prediction === null")
    page.reload()
    expect(page.get_by_role("button", name=text("lesson.commit"))).to_be_visible()


def test_what_a_browser_kept_is_not_trusted(visitor: Callable[..., Page]) -> None:
    """Whatever stands in the browser's storage, the page opens, and nonsense in it is no answer."""
    page = visitor("lessons#alone")
    commit = page.get_by_role("button", name=text("lesson.commit"))
    expect(commit).to_be_visible()
    nonsense: list[Any] = [
        "{", [1], {"answers": 7}, {"answers": {"alone": {"prediction": "many", "seed": -1, "reason": {}}}, "who": 3},
    ]  # fmt: skip
    for kept in nonsense:
        written = kept if isinstance(kept, str) else json.dumps(kept)
        page.evaluate("kept => localStorage.setItem('ecosim.lessons', kept)", written)
        page.reload()
        expect(commit).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_fits_the_screen_and_axe_finds_nothing_grave(visitor: Callable[..., Page], width: int, height: int) -> None:
    """A lesson with its result fits projector and phone, in Chinese, and keyboard and screen reader get through it."""
    page = visitor("lessons?lang=zh#same-luck", width, height)
    _commit(page, in_language(lessons()["same-luck"].choices[1].text, "zh"), "zh")
    _result(page, "zh")
    page.get_by_text(text("lesson.teacher", "zh")).click()
    expect(page.get_by_text(in_language(lessons()["same-luck"].pitfalls[0], "zh"))).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run('.lesson-page', { resultTypes: ['violations'] })")
    grave = [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found["violations"]
             if one["impact"] in ("critical", "serious")]  # fmt: skip
    assert not grave
