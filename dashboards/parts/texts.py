"""Every text that a person sees, in English and Chinese.

``texts/*.toml`` hold them. A file of a page, such as ``pages.toml``, has both languages by key. The files ``*.zh.toml``
hold the Chinese for what the engine itself says in English: meanings of parameters, switches and outcomes, units, and the
names in the shipped scenarios. There the engine keeps the English, so that nothing is written twice.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ecosim.grammar import scenario_grammar
from ecosim.outcome_table import OUTCOMES
from ecosim.parameters import Parameter
from ecosim.roles import read_roles

TEXTS = Path(__file__).parents[1] / "texts"
LANGUAGES = {"en": "English", "zh": "中文"}
ENGLISH, CHINESE = LANGUAGES

# Parameters whose meaning the engine puts together from names of roles or kinds.
_EFFECT = re.compile(r"symbiosis\.coefficients\.([^.]+)\.([^.]+)")
_KIND = re.compile(r"roles\.[^.]+\.kinds\.(.+)")
_SERIAL = re.compile(r"(.+) (\d+)")


def text(key: str, language: str = ENGLISH, /, **values: Any) -> str:
    """Return a text of the catalogue with values in the places of its ``{placeholders}``.

    Parameters
    ----------
    key : dotted key, ``page.thing``.
    language : a key of `LANGUAGES`.

    Returns
    -------
    text : English where there is no such language; the key itself where there is no such text, so that a page still shows.
    """
    both = both_languages().get(key)
    if both is None:
        return key
    found = both.get(language, both[ENGLISH])
    return found.format(**values) if values else found


def catalogue(*prefixes: str) -> dict[str, dict[str, str]]:
    """Return ``{key: {"en": ..., "zh": ...}}`` of all texts whose key is or begins with one of the dotted prefixes.

    With ``outcome`` comes name, meaning and unit of each outcome: ``outcome.mean_trust.name``; with ``word`` come units too:
    ``word.million_CNY``.
    """
    known = {**both_languages(), **(_outcome_texts() if "outcome" in prefixes else {})}
    if "word" in prefixes:
        known |= {f"word.{_spelt(english)}": _both(unit, english) for english in _file("units")}
    starts = tuple(f"{prefix}." for prefix in prefixes)
    return {key: both for key, both in known.items() if key in prefixes or key.startswith(starts)}


def word(engine_word: str, language: str = ENGLISH) -> str:
    """Return one of the engine's own words, such as a role, a stage, a mode or a kind of event."""
    both = both_languages().get(f"word.{_spelt(engine_word)}")
    return both.get(language, both[ENGLISH]) if both else engine_word.replace("_", " ")


def organisation(name: str, language: str = ENGLISH) -> str:
    """Return the name of an organisation or a component; one that is called by its role keeps its serial number."""
    if language == ENGLISH:
        return name
    serial = _SERIAL.fullmatch(name)
    if name in _file("names") or serial is None:
        return _file("names").get(name, word(name, language))
    # "supplier 12" is called by its role, "Competitor 2" is one of several of a name that the scenario gives.
    return f"{_file('names').get(serial[1], word(serial[1], language))} {serial[2]}"


def name(path: str, language: str = ENGLISH) -> str:
    """Return the short name of a parameter by its dotted path, or of an outcome."""
    if language == ENGLISH:
        return path.rpartition(".")[2].replace("_", " ")
    effect, kind = _EFFECT.fullmatch(path), _KIND.fullmatch(path)
    if effect:
        return f"{word(effect[2], language)} → {word(effect[1], language)}"
    if kind:
        return word(kind[1], language)
    entry = _entry(path)
    return entry["name"] if entry else name(path)


def meaning(path: str, language: str = ENGLISH) -> str:
    """Return what a parameter means, by its dotted path, or an outcome.

    Raises
    ------
    KeyError : there is no such parameter or outcome.
    """
    english = _parameters()[path].meaning if path in _parameters() else _outcomes()[path].meaning
    if language == ENGLISH:
        return english
    effect, kind = _EFFECT.fullmatch(path), _KIND.fullmatch(path)
    if effect:
        return text("effect_on_growth", language, source=word(effect[2], language), target=word(effect[1], language))
    if kind:
        return text("weight_of_kind", language, kind=word(kind[1], language))
    entry = _entry(path)
    return entry["meaning"] if entry and entry["of"] == english else english


def unit(english: str, language: str = ENGLISH) -> str:
    """Return a unit of a parameter or an outcome."""
    return english if language == ENGLISH else _file("units").get(english, english)


def of_scenario(scenario: str, part: str, english: str, language: str = ENGLISH) -> str:
    """Return ``title`` or ``question`` of a scenario: in Chinese if it ships and still says what was translated."""
    entry = _file("scenarios").get(scenario, {}).get(part)
    return entry["meaning"] if language == CHINESE and entry and entry["of"] == english else english


def of_study(study: str, part: str, english: str, language: str = ENGLISH) -> str:
    """Return ``title`` or ``question`` of a study, in Chinese as `of_scenario` does."""
    entry = _file("studies").get(study, {}).get(part)
    return entry["meaning"] if language == CHINESE and entry and entry["of"] == english else english


def of_proposition(number: str, english: str, language: str = ENGLISH) -> str:
    """Return the statement of a proposition, in Chinese as `of_scenario` does."""
    entry = _file("propositions").get(number)
    return entry["meaning"] if language == CHINESE and entry and entry["of"] == english else english


@cache
def both_languages() -> dict[str, dict[str, str]]:
    """Return all texts that have both languages in their file, by dotted key.

    Raises
    ------
    ValueError : two files have the same key.
    """
    found: dict[str, dict[str, str]] = {}
    for path in sorted(TEXTS.glob("*.toml")):
        if not path.name.endswith(".zh.toml"):
            for key, both in _texts_in(tomllib.loads(path.read_text(encoding="utf-8"))):
                if key in found:
                    raise ValueError(f"{path}: {key} stands in another file too; give it another key")
                found[key] = both
    return found


def _texts_in(tree: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    for key, entry in tree.items():
        if ENGLISH in entry:
            yield before + key, entry
        else:
            yield from _texts_in(entry, f"{before}{key}.")


def _spelt(engine_word: str) -> str:
    """Return a word as keys spell it."""
    return re.sub("[ -]", "_", engine_word)


def _both(of: Callable[[str, str], str], english: str) -> dict[str, str]:
    return {language: of(english, language) for language in LANGUAGES}


def _outcome_texts() -> dict[str, dict[str, str]]:
    found = {}
    for outcome in OUTCOMES:
        before = f"outcome.{outcome.name}"
        found[f"{before}.name"] = _both(name, outcome.name)
        found[f"{before}.meaning"] = _both(meaning, outcome.name)
        found[f"{before}.unit"] = _both(unit, outcome.unit)
    return found


def _entry(path: str) -> dict[str, str] | None:
    """Return the Chinese for a parameter, a switch or an outcome; what all roles have stands under ``roles.any``."""
    file, _, rest = path.partition(".")
    if not rest and path not in _parameters():
        return _file("outcomes").get(path)
    if file == "rules":
        return _file("rules").get(rest)
    keys = path.split(".")
    shared = ["roles", "any", keys[-1]] if keys[0] == "roles" else keys
    return _at(_file("parameters"), keys) or _at(_file("parameters"), shared)


def _at(tree: Any, keys: list[str]) -> dict[str, str] | None:
    for key in keys:
        tree = tree.get(key, {})
    return tree or None


@cache
def _file(title: str) -> dict[str, Any]:
    return tomllib.loads((TEXTS / f"{title}.zh.toml").read_text(encoding="utf-8"))


@cache
def _parameters() -> Mapping[str, Parameter]:
    return scenario_grammar(read_roles()).parameters


@cache
def _outcomes() -> dict[str, Any]:
    return {outcome.name: outcome for outcome in OUTCOMES}
