"""The texts of the dashboard: both languages say the same things, of all that the engine and the pages say, and of nothing else."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from ecosim import state
from ecosim.grammar import scenario_grammar
from ecosim.laboratory.declarations import load_propositions
from ecosim.laboratory.trial import worlds_of
from ecosim.laboratory.verdict import VERDICTS
from ecosim.mechanisms.components import TIERS
from ecosim.mechanisms.readings import RELATIONS
from ecosim.outcome_table import OUTCOMES
from ecosim.roles import read_roles
from ecosim.scenario import load_scenario, shipped_scenarios
from ecosim.schedule import QUARTER
from parts import texts
from parts.trajectory import UNITS

DASHBOARDS = Path(__file__).parents[2] / "dashboards"
PARAMETERS = scenario_grammar(read_roles()).parameters
CHINESE = re.compile("[\u4e00-\u9fff]")
# Half-width marks that stand right after a Chinese character are slips.
HALF_WIDTH = re.compile("[\u4e00-\u9fff][,;:?!(]")
BOTH = texts.both_languages()
# Engine's words have keys of their own; keys of pages stand in code as they are.
OF_PAGES = sorted(key for key in BOTH if not key.startswith(("word.", "group.")))


def _engine_words() -> set[str]:
    """Return every word of the engine that a page may show: roles, kinds, stages, modes, events, choices."""
    roles = read_roles()
    choices = chain.from_iterable(record.choices for record in PARAMETERS.values() if record.choices)
    return {
        *roles, *chain.from_iterable(role.kinds for role in roles.values()), "employees", "society", "environment",
        *state.STAGES, *state.MODES, *state.CHANNELS, *state.ELEMENTS, *state.INDICES, *state.INTERFACES, *state.EVENTS,
        *state.REGIMES, *state.VALUE_KINDS, *state.PLATFORM_KINDS, *state.PHASES, *state.OUTSIDE, *state.CAPABILITIES,
        *state.KNOWLEDGE_CAPABILITIES, *state.GROUP_VARIABLES, *state.CONSTRAINTS, *state.OPERATORS, *state.ROUTINES,
        *RELATIONS, *TIERS, *choices,
    }  # fmt: skip


def _placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def _chinese_file(title: str) -> dict[str, object]:
    return tomllib.loads((DASHBOARDS / "texts" / f"{title}.zh.toml").read_text(encoding="utf-8"))


def _entries(tree: dict[str, object], before: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    for key, entry in tree.items():
        assert isinstance(entry, dict)
        if "of" in entry:
            yield before + key, entry
        else:
            yield from _entries(entry, f"{before}{key}.")


def test_each_text_has_both_languages() -> None:
    """No text lacks a language or is empty, and both languages have the same places for values."""
    assert BOTH
    for key, both in BOTH.items():
        assert set(both) == set(texts.LANGUAGES), key
        assert all(sentence.strip() for sentence in both.values()), key
        assert _placeholders(both["en"]) == _placeholders(both["zh"]), key


def test_chinese_is_written_in_chinese() -> None:
    """What says more than a value has Chinese characters in it, with the punctuation of Chinese; titles of papers may stay."""
    spoken = [key for key, both in BOTH.items() if len(re.findall("[a-z]{2,}", re.sub("{.*?}", "", both["en"]))) > 1]
    sentences = [(key, BOTH[key]["zh"]) for key in spoken if not key.startswith("info.source.")]
    sentences += [(path, texts.meaning(path, "zh")) for path in (*PARAMETERS, *(outcome.name for outcome in OUTCOMES))]
    assert [key for key, chinese in sentences if not CHINESE.search(chinese)] == []
    assert [key for key, chinese in sentences if HALF_WIDTH.search(chinese)] == []


def test_each_parameter_is_translated() -> None:
    """Each parameter and switch has a Chinese name, meaning and unit, made from the meaning that it has today."""
    units = _chinese_file("units")
    for path, record in PARAMETERS.items():
        assert CHINESE.search(texts.name(path, "zh")), f"{path}: give it a name in texts/parameters.zh.toml"
        assert texts.meaning(path) == record.meaning
        assert texts.meaning(path, "zh") != record.meaning, (
            f"{path}: translate it anew, its English is another than `of`"
        )
        assert record.unit in units, f"{path}: translate its unit in texts/units.zh.toml"


def test_each_outcome_is_translated() -> None:
    """Each outcome has a Chinese name, meaning and unit, made from the meaning that it has today."""
    for outcome in OUTCOMES:
        assert CHINESE.search(texts.name(outcome.name, "zh")), outcome.name
        assert CHINESE.search(texts.meaning(outcome.name, "zh")), outcome.name
        assert outcome.unit in _chinese_file("units"), outcome.name


def test_no_translation_is_stale() -> None:
    """What no parameter, switch, outcome, unit, scenario or name needs any more has no translation left either."""
    shared = {path.replace("roles.firm.", "roles.any.") for path in PARAMETERS}
    for path, entry in _entries(_chinese_file("parameters")):
        assert path in PARAMETERS or path in shared, path
        assert entry["of"] == PARAMETERS[path.replace("roles.any.", "roles.firm.")].meaning, path
    assert {f"rules.{name}" for name in _chinese_file("rules")} == {path for path in PARAMETERS if path[:6] == "rules."}
    assert set(_chinese_file("outcomes")) == {outcome.name for outcome in OUTCOMES}
    units = {record.unit for record in (*PARAMETERS.values(), *OUTCOMES)} | set(UNITS.values())
    assert set(_chinese_file("units")) == units


def test_each_word_of_the_engine_is_translated() -> None:
    """Roles, stages, modes, channels, interfaces, readings, kinds of events, choices: each has a word in both languages."""
    missing = [word for word in sorted(_engine_words()) if texts.word(word, "zh") == texts.word(word)]
    assert missing == []
    spelt = {re.sub("[ -]", "_", word) for word in _engine_words()}
    assert {key.removeprefix("word.") for key in BOTH if key.startswith("word.")} == spelt
    headings = {path.partition(".")[0] for path in PARAMETERS if "." in path}
    assert {f"group.{heading}" for heading in headings} <= set(BOTH)


def test_each_shipped_scenario_is_translated() -> None:
    """Title, question, organisations and components of each shipped scenario have Chinese, and nothing else does."""
    known: set[str] = set()
    for name in shipped_scenarios():
        world = load_scenario(name)
        for part, english in (("title", world.title), ("question", world.question)):
            assert CHINESE.search(texts.of_scenario(name, part, english, "zh")), f"{name}: {part}"
        known |= {entry.name for entry in (*world.organisations, *world.components)}
    assert set(_chinese_file("names")) == known
    assert set(_chinese_file("scenarios")) == set(shipped_scenarios())


def test_propositions_are_translated() -> None:
    """Each of the papers' claims has a Chinese statement of what it says in English today, and no other has."""
    claims = {one.number: one.statement for one in load_propositions()}
    for number, english in claims.items():
        assert CHINESE.search(texts.of_proposition(number, english, "zh")), (
            f"{number}: translate in texts/propositions.zh.toml"
        )
    assert set(_chinese_file("propositions")) == set(claims)


def _literals() -> set[str]:
    """Return the pieces of text that stand in quotes in the code of the dashboard, and its templates' names after a dot."""
    found: set[str] = set()
    for path in DASHBOARDS.rglob("*.py"):
        found |= {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    for path in chain(DASHBOARDS.rglob("*.js"), DASHBOARDS.rglob("*.vue")):
        if "vendor" not in path.parts:
            found |= set(re.findall(r"""['"`]([\w. ]+)""", path.read_text(encoding="utf-8")))
    # The worksheet's own script stands in a string of Python.
    return found | {quoted for literal in found for quoted in re.findall(r"""["`]([a-z]+\.[\w.]+)["`$]""", literal)}


def _keys_asked_for() -> Iterator[tuple[str, str]]:
    """Give file and key of each call ``text("a.key", ...)`` in the dashboard's Python."""
    for path in DASHBOARDS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "text" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield path.name, first.value


def test_each_key_that_code_asks_for_is_there() -> None:
    """A page that asks for a text which the catalogue lacks would show its key to a class."""
    asked = list(_keys_asked_for())
    assert asked
    assert [place for place in asked if place[1] not in BOTH] == []


def test_each_key_of_a_page_is_asked_for() -> None:
    """A text that no page shows any more is taken out.

    A key stands in quotes in the code as a whole, or is put together behind a dot or an underscore: of names that stand in
    quotes elsewhere, words of the engine and of the laboratory, phases of a quarter, scenarios or papers.
    """
    pieces = _literals()
    rests = {*pieces, *shipped_scenarios(), *(phase.name for phase in QUARTER), "S000", "S001", "S002", "S003"}
    rests |= {re.sub("[ -]", "_", word) for word in {*_engine_words(), *VERDICTS}}
    rests |= {name.split()[0] for one in load_propositions() if one.experiment for name in worlds_of(one.experiment)}

    def asked_for(key: str) -> bool:
        cuts = [position + 1 for position, letter in enumerate(key) if letter in "._"]
        return key in rests or any(
            (key[:cut] in pieces or key[: cut - 1] in rests) and asked_for(key[cut:]) for cut in cuts
        )

    assert [key for key in OF_PAGES if not asked_for(key)] == []


def test_a_missing_text_shows_and_does_not_break() -> None:
    """An unknown language falls back on English; an unknown key shows itself; values fill their places."""
    key = "effect_on_growth"
    assert texts.text(key, "fr") == BOTH[key]["en"]
    assert texts.text("no.such.text", "zh") == "no.such.text"
    assert texts.text(key, "en", source="user", target="firm") == "Effect of a user on the growth of a firm."
    assert texts.word("no such word", "zh") == "no such word"
    with pytest.raises(KeyError):
        texts.meaning("no.such.parameter")


def test_organisations_keep_their_serial_numbers() -> None:
    """An organisation that is called by its role and a number is called so in Chinese too; a name that ships is translated."""
    assert texts.organisation("supplier 12", "zh") == "供应商 12"
    assert texts.organisation("Huawei", "zh") == "华为"
    assert texts.organisation("Competitor 2", "zh") == "竞争对手 2"
    assert texts.organisation("A firm of mine", "zh") == "A firm of mine"
