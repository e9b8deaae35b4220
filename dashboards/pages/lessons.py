"""The lessons: predict, run, compare with what was predicted, and take the worksheet home."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import solara

from pages.download import Download
from pages.frame import Complaint
from pages.live import Progress
from parts import session
from parts.lesson import Lesson, in_language, lessons
from parts.lesson_runs import SEEDS, Found, run, shown
from parts.link import MOST_SEED, query, seed_of
from parts.player import Player
from parts.story import story_of_chosen
from parts.texts import text
from parts.trajectory import Stopped, Traced
from parts.worksheet import result, said, worksheet

WORDS = (
    "heading", "intro", "answered", "all", "question", "predict", "because", "commit", "commit_first", "again", "one_history",
    "future", "seed", "onward", "conclude", "who", "save", "kept", "teacher", "pitfalls", "questions",
)  # fmt: skip
MOST_WRITTEN = 4_000
NOTHING: dict[str, Any] = {"prediction": None, "reason": "", "conclusion": "", "seed": 1}

# What this visitor has answered, lesson by lesson, the lesson that is open, and the visitor's name; the browser keeps them.
answers: solara.Reactive[dict[str, dict[str, Any]]] = solara.reactive({})
chosen: solara.Reactive[str] = solara.reactive("")
who: solara.Reactive[str] = solara.reactive("")


@solara.component_vue("keep.vue", vuetify=False)
def Keep(
    keeping: dict[str, Any], event_load: Callable[[dict[str, Any]], None], event_choose: Callable[[str], None]
) -> None:
    """Keep the answers in the browser, and the open lesson in the address."""


@solara.component_vue("lesson_list.vue", vuetify=False)
def LessonList(words: dict[str, str], lessons: list[dict[str, Any]]) -> None:
    """Offer all lessons."""


@solara.component_vue("prediction.vue", vuetify=False)
def Prediction(
    words: dict[str, str],
    title: str,
    question: str,
    story: str,
    prompt: str,
    unit: str,
    choices: list[dict[str, str]],
    committed: bool,
    said: str,
    reason: str,
    wrong: str,
    event_commit: Callable[[dict[str, Any]], None],
    event_forget: Callable[[Any], None],
) -> None:
    """Ask the question, and for an answer before anything runs."""


@solara.component_vue("history.vue", vuetify=False)
def History(
    words: dict[str, str],
    note: str,
    futures: list[str],
    future: int,
    seed: int,
    event_pick: Callable[[int], None],
    event_sow: Callable[[str], None],
) -> None:
    """Choose which future plays, under which luck."""


@solara.component_vue("conclusion.vue", vuetify=False)
def Conclusion(
    words: dict[str, str],
    onward: list[dict[str, str]],
    conclusion: str,
    who: str,
    ready: bool,
    time: str,
    pitfalls: list[str],
    questions: list[str],
    event_write: Callable[[dict[str, str]], None],
    event_save: Callable[[Any], None],
) -> None:
    """Say what to try next, ask what the student concludes, and help the teacher."""


@solara.component
def Page() -> None:
    """Show all lessons, or the one that the address names."""
    language = session.language.value
    lesson = lessons().get(chosen.value)
    words = {key: text(f"lesson.{key}", language) for key in WORDS}
    with solara.Div(classes=["lesson-page"]):
        Keep(keeping={"answers": answers.value, "who": who.value}, event_load=_load, event_choose=chosen.set)
        if lesson is None:
            LessonList(words=words, lessons=[
                {
                    "key": one.key, "title": in_language(one.title, language), "question": in_language(one.question, language),
                    "minutes": text("lesson.minutes", language, minutes=one.minutes),
                    "answered": answer_of(one)["prediction"] is not None,
                }
                for one in lessons().values()
            ])  # fmt: skip
        else:
            _Lesson(lesson, words).key(lesson.key)


def answer_of(lesson: Lesson) -> dict[str, Any]:
    """Return what this visitor has answered so far."""
    return {**NOTHING, **answers.value.get(lesson.key, {})}


def _write(lesson: Lesson, **written: Any) -> None:
    answers.value = {**answers.value, lesson.key: {**answer_of(lesson), **written}}


def _load(sent: dict[str, Any]) -> None:
    """Take over what the browser has kept: of this visitor's own, yet never trusted."""
    kept = sent.get("kept")
    found = kept.get("answers") if isinstance(kept, dict) else None
    for key, lesson in lessons().items():
        given = found.get(key) if isinstance(found, dict) else None
        if isinstance(given, dict) and key not in answers.value:
            prediction, seed = given.get("prediction"), given.get("seed")
            _write(
                lesson, prediction=prediction_of(lesson, prediction),
                reason=_cut(given.get("reason")), conclusion=_cut(given.get("conclusion")),
                seed=seed if isinstance(seed, int) and 0 <= seed <= MOST_SEED else 1,
            )  # fmt: skip
    if isinstance(kept, dict) and not who.value:
        who.value = _cut(kept.get("who"))[:80]
    chosen.value = _cut(sent.get("chosen"))


def _cut(written: Any) -> str:
    return written[:MOST_WRITTEN] if isinstance(written, str) else ""


def prediction_of(lesson: Lesson, given: Any) -> str | float | None:
    """Return a prediction if it is one that the lesson asks for, else None."""
    if lesson.choices:
        return given if given in [choice.name for choice in lesson.choices] else None
    try:
        number = float(str(given).replace(",", ".").replace("−", "-"))
    except ValueError:
        return None
    return number if math.isfinite(number) and lesson.low <= number <= lesson.high else None


@solara.component
def _Lesson(lesson: Lesson, words: dict[str, str]) -> None:
    """One lesson, from its question to its worksheet."""
    language = session.language.value
    wrong, set_wrong = solara.use_state("")
    answer = answer_of(lesson)
    committed = answer["prediction"] is not None

    def commit(sent: dict[str, Any]) -> None:
        prediction = prediction_of(lesson, sent.get("prediction"))
        if prediction is None:
            set_wrong(text("lesson.bad_number", language, low=lesson.low, high=lesson.high))
            return
        set_wrong("")
        _write(lesson, prediction=prediction, reason=_cut(sent.get("reason")))

    Prediction(
        words=words,
        title=in_language(lesson.title, language),
        question=in_language(lesson.question, language),
        story=in_language(lesson.story, language),
        prompt=in_language(lesson.prompt, language),
        unit=in_language(lesson.unit, language),
        choices=[{"name": choice.name, "text": in_language(choice.text, language)} for choice in lesson.choices],
        committed=committed,
        said=text("lesson.said", language, answer=said(lesson, answer["prediction"], language)),
        reason=answer["reason"],
        wrong=wrong,
        event_commit=commit,
        event_forget=lambda _: _write(lesson, **NOTHING),
    )
    if committed:
        _History(lesson, words)
        _Twenty(lesson, words)


@solara.component
def _History(lesson: Lesson, words: dict[str, str]) -> None:
    """Play one future under one seed, with the first future behind it."""
    language = session.language.value
    future, set_future = solara.use_state(len(lesson.futures) - 1)
    selected, set_selected = solara.use_state(None)
    seed = answer_of(lesson)["seed"]
    names = [in_language(one.name, language) for one in lesson.futures]

    def work(stopped: Callable[[], bool]) -> Traced:
        return shown(lesson, future, seed, names[0])

    def sow(written: str) -> None:
        if (chosen_seed := seed_of(written)) is not None:
            _write(lesson, seed=chosen_seed)

    def pick(position: int) -> None:
        set_future(min(max(int(position), 0), len(names) - 1))

    task = session.use_background(work, [lesson.key, future, seed, language])
    traced = task.value or task.latest
    told = solara.use_memo(lambda: story_of_chosen(traced, selected), [traced, selected])
    History(
        words=words,
        note=text("lesson.one_history_note", language, first=names[0]),
        futures=names,
        future=future,
        seed=seed,
        event_pick=pick,
        event_sow=sow,
    )
    if task.error:
        Complaint(session.trouble_of(task))
    elif traced is None:
        solara.Div(classes=["page-wait"], attributes={"role": "status"}, children=[text("lesson.wait", language)])
    else:
        Player(traced, language, on_select=set_selected, story=told, panels=lesson.panels)


@solara.component
def _Twenty(lesson: Lesson, words: dict[str, str]) -> None:
    """Run the lesson under twenty seeds and set what comes out against the prediction."""
    language = session.language.value
    done, set_done = solara.use_state(0)
    asked, set_asked = solara.use_state(1)
    total = len(lesson.futures) * len(SEEDS)

    def work(stopped: Callable[[], bool]) -> Found | None:
        if not asked:
            return None
        try:
            # A lesson's runs are its author's, few, and shared by the class: no visitor's limit of time is put on them.
            return run(lesson, lambda count, _: set_done(count) if count % 4 == 0 else None, stopped)
        except Stopped:
            return None

    task = session.use_background(work, [lesson.key, asked])
    found: Found | None = task.value
    if task.error:
        Complaint(session.trouble_of(task))
    elif found is not None:
        solara.HTML(tag="div", unsafe_innerHTML=result(lesson, found, answer_of(lesson)["prediction"], language))
    elif asked:
        Progress(
            label=text("lesson.running", language),
            done=done,
            total=total,
            stop=text("lesson.stop", language),
            event_cancel=lambda _: set_asked(0),
        )
    else:
        with solara.Div(classes=["lesson-row"]):
            solara.Text(text("lesson.stopped", language))
            solara.Button(text("lesson.resume", language), lambda: set_asked(asked + 1), outlined=True)
    _Conclusion(lesson, found, words)


@solara.component
def _Conclusion(lesson: Lesson, found: Found | None, words: dict[str, str]) -> None:
    """Take down what the student concludes, and hand out the worksheet once there is a result."""
    language = session.language.value
    file, set_file = solara.use_state(None)
    answer = answer_of(lesson)

    def save(_: Any) -> None:
        if found is not None:
            content = worksheet(lesson, found, {**answer_of(lesson), "who": who.value}, language)
            set_file({"name": f"{lesson.key}.html", "type": "text/html", "content": content})

    def write(sent: dict[str, str]) -> None:
        if "who" in sent:
            who.value = _cut(sent["who"])[:80]
        if "conclusion" in sent:
            _write(lesson, conclusion=_cut(sent["conclusion"]))

    Conclusion(
        words=words,
        onward=[
            {"text": in_language(what, language), "address": f"/?{query(scenario, 1, changes, (), language)}"}
            for what, scenario, changes in lesson.onward
        ],
        conclusion=answer["conclusion"],
        who=who.value,
        ready=found is not None,
        time=text("lesson.time", language, minutes=lesson.minutes),
        pitfalls=[in_language(one, language) for one in lesson.pitfalls],
        questions=[in_language(one, language) for one in lesson.questions],
        event_write=write,
        event_save=save,
    )
    Download(file=file, event_done=lambda _: set_file(None))
