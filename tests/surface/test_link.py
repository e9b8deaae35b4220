"""Links and files that visitors send: an experiment survives the way there and back, and hostile input is refused in a sentence."""

from __future__ import annotations

import io
import time
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosim import ScenarioError, load_scenario
from ecosim.parameters import Parameter
from ecosim.scenario import shipped_scenarios
from parts.exchange import MOST_BYTES, download, plain_name, read_upload
from parts.link import MOST_SEED, Experiment, query, read_query
from parts.trajectory import changeable

WORLD = load_scenario("classroom")
# Numbers that fit together with the rest whatever they are.
FREE = sorted(path for path in changeable(WORLD) if ".kinds." not in path and "coefficients" not in path)
COMPLAINT = r"^(link|branch|change): [^\n]{1,600}$"


def _values(record: Parameter) -> st.SearchStrategy[Any]:
    if isinstance(record.default, bool):
        return st.booleans()
    if isinstance(record.default, str):
        return st.sampled_from(record.choices)
    assert record.low is not None
    assert record.high is not None
    if isinstance(record.default, int):
        return st.integers(int(record.low), int(record.high))
    return st.floats(record.low, record.high)


CHANGES = st.lists(st.sampled_from(FREE), unique=True, max_size=4).flatmap(
    lambda paths: st.fixed_dictionaries({path: _values(WORLD.grammar.parameters[path]) for path in paths})
)
BRANCHES = st.dictionaries(st.integers(0, WORLD.steps - 1), CHANGES, max_size=3)


@given(st.integers(0, MOST_SEED), CHANGES, BRANCHES, st.sampled_from([None, "en", "zh"]))
def test_experiment_survives(
    seed: int, changes: dict[str, Any], branches: dict[int, Any], language: str | None
) -> None:
    """Protects links: what is written is read again, each value to the last bit and in its own type."""
    text = query("classroom", seed, changes, branches.items(), language)
    assert text.isascii()
    found = read_query(text)
    assert found == Experiment(
        "classroom", seed, tuple(sorted(changes.items())),
        tuple((step, tuple(sorted(values.items()))) for step, values in sorted(branches.items()) if values), language,
    )  # fmt: skip
    assert [type(value) for _, value in found.changes] == [type(value) for _, value in sorted(changes.items())]
    assert query(*found) == text
    assert read_query(f"?{text}") == found


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_scenario_can_be_linked(name: str) -> None:
    """Each shipped scenario can stand in a link."""
    assert read_query(query(name, 7)) == (name, 7, (), (), None)


def test_what_is_left_out() -> None:
    """An address without a query opens the classroom."""
    assert read_query("") == read_query("?") == ("classroom", 1, (), (), None)


@given(st.text())
def test_nonsense_is_refused_in_a_sentence(text: str) -> None:
    """Protects the server against whatever stands in an address: an experiment or one line that says what is wrong."""
    try:
        read_query(text)
    except ScenarioError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
        assert len(str(error)) < 1_000  # noqa: PT017


@given(
    st.sampled_from(["seed", "scenario", "lang", "policy.subsidy", "rules.trust", "steps", "at.3.policy.subsidy"]),
    st.text(),
)
def test_nonsense_values(name: str, value: str) -> None:
    """The same for values of names that there are, whatever letters they are made of."""
    try:
        found = read_query(urlencode({name: value}, errors="replace"))
    except ScenarioError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
        assert len(str(error)) < 1_000  # noqa: PT017
    else:
        assert found.scenario in shipped_scenarios()
        assert 0 <= found.seed <= MOST_SEED


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("scenario=../../etc/passwd", "link: scenario is"),
        ("scenario=%2e%2e%2fclassroom", "link: scenario is"),
        ("scenario=classroom.toml", "did you mean 'classroom'"),
        ("scenario=classroom%00", "link: scenario is"),
        ("scenario=", "link: scenario is"),
        ("seed=-1", f"give a whole number from 0 to {MOST_SEED}"),
        ("seed=1e3", "give a whole number"),
        ("seed=" + "9" * 30, "give a whole number"),
        ("seed=" + quote("٣"), "give a whole number"),
        ("seed=1_000", "give a whole number"),
        ("seed=1&seed=2", "seed is given twice"),
        ("policy.subsidy=0.1&policy.subsidy=0.2", "is given twice"),
        ("at.3.policy.subsidy=0.1&at.03.policy.subsidy=0.2", "is given twice"),
        ("policy.subsidy=nan", "give a number from 0 to 1"),
        ("policy.subsidy=inf", "give a number from 0 to 1"),
        ("policy.subsidy=9", "give a number from 0 to 1"),
        ("policy.subsidy=__import__('os')", "give a number from 0 to 1"),
        ("rules.trust=1", "give true or false"),
        ("steps=" + "9" * 15, "give a whole number from 1 to 100_000"),
        ("subsidy=0.1", "write \"policy.subsidy\""),
        ("<script>alert(1)</script>=1", "is not the path of a parameter"),
        (quote("参数") + "=1", "is not the path of a parameter"),
        ("__class__.__init__=1", "is not the path of a parameter"),
        ("at.3.steps=10", "counts only at the start"),
        ("at.99.policy.subsidy=0.1", "quarter 99 is not in the run"),
        ("lang=fr", "give one of en, zh"),
        ("%ff=1", "cannot be read"),
        ("seed", "cannot be read"),
        ("a=1&" * 500 + "a=1", "cannot be read"),
        ("x" * 100_000, "100_000 characters long"),
        ("roles.user.kinds.operator=0&roles.user.kinds.developer=0&roles.user.kinds.enterprise+user=0"
         "&roles.user.kinds.consumer+group=0", "no weight above 0"),
    ],
)  # fmt: skip
def test_hostile_links(text: str, complaint: str) -> None:
    """Each trick is refused in one sentence that says what would be right, at once."""
    begun = time.thread_time()
    with pytest.raises(ScenarioError, match=COMPLAINT) as refused:
        read_query(text)
    assert complaint in str(refused.value)
    assert time.thread_time() - begun < 0.5


def test_too_much_for_a_link() -> None:
    """More changes than an address holds are not cut off: the sentence says what to do."""
    paths = FREE[:250]
    with pytest.raises(ScenarioError, match="download the scenario instead"):
        query("classroom", 1, {path: WORLD.get(path) for path in paths})


# -- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped_scenarios())
def test_download_can_be_sent_again(name: str) -> None:
    """Protects the way a class hands worlds around: what is downloaded, changes included, is accepted and is the same world."""
    world = load_scenario(name)
    file, content = download(world, {"policy.subsidy": 0.3})
    again = read_upload(file, content)
    assert again.as_dict() | {"name": ""} == world.with_settings({"policy.subsidy": 0.3}).as_dict() | {"name": ""}
    assert again.name == f"{name}-changed"
    assert read_upload(*download(world)) == world


def test_upload_may_extend_what_is_shipped() -> None:
    """A short file that changes a shipped scenario is enough."""
    world = read_upload("mine.toml", b'extends = "classroom"\n[policy]\nsubsidy = 0.5\n')
    assert world.get("policy.subsidy") == 0.5
    assert world.organisations == WORLD.organisations
    assert read_upload("classroom.toml", b'extends = "classroom"\nsteps = 4\n').steps == 4


def _many(line: str, count: int) -> bytes:
    return "\n".join(line.format(number) for number in range(count)).encode()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'extends = "/etc/passwd"', "give a shipped scenario"),
        (b'extends = "../scenarios/classroom.toml"', "give a shipped scenario"),
        (b'extends = "scenarios/classroom.toml"', "give a shipped scenario"),
        (b"extends = 3", "is 3"),
        (b"#" * 100_000_000, "larger than 200_000 bytes"),
        (b"title = " + b"[" * 90_000, "too many tables and lists"),
        (b"title = " + b"[" * 20 + b"]" * 20, "too deep"),
        (b"a = " + b"{a = " * 400, "too deep"),
        (b".".join([b"a"] * 30_000) + b" = 1", "characters long"),
        (b".".join([b"a"] * 100) + b" = 1", "more than 32 parts"),
        (_many('[[organisations]]\nname = "o{}"\nrole = "firm"', 3_500), "too many tables and lists"),
        (_many('[[events]]\nname = "e{}"\nstep = 3\nset = {{ "policy.subsidy" = 0.1 }}', 2_500), "too many tables"),
        (_many("[a{}.b.c.d.e.f.g.h]", 9_000), "too many tables and lists"),
        (b"steps = 99999", "1_000 are the most here"),
        (b"[roles.user]\ninitial = 2000000", "20_000 are the most here"),
        (b'[[organisations]]\nname = "x"\nrole = "firm"\ncount = 1000000', "20_000 are the most here"),
        (b'title = "' + b"x" * 3_000 + b'"', "200 are the most here"),
        (b'[[organisations]]\nname = "' + b"x" * 3_000 + b'"\nrole = "firm"', "100 are the most here"),
        (b"steps = " + b"9" * 3_000, "give a whole number from 1 to 100_000"),
        (b"a\0b", "not text"),
        (bytes(range(128, 256)), "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
        (b"", "empty"),
        (b"<html><script>", "not TOML"),
        (b"[roles.bank]\ninitial = 1", "unknown here"),
    ],
)  # fmt: skip
def test_hostile_files(content: bytes, complaint: str) -> None:
    """Each is refused in one sentence, before it costs much time."""
    begun = time.thread_time()
    with pytest.raises(ScenarioError) as refused:
        read_upload("../../somewhere/<b>file</b>.toml", content)
    assert time.thread_time() - begun < 1.0
    sentence = str(refused.value)
    assert complaint in sentence
    assert len(sentence.splitlines()) == 1
    assert "<" not in sentence.partition(":")[0]
    assert ".." not in sentence.partition(":")[0]


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
def test_any_bytes(content: bytes) -> None:
    """Whatever is sent is a scenario or one sentence."""
    try:
        read_upload("any.toml", content)
    except ScenarioError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017


def test_no_more_is_read_than_allowed() -> None:
    """Protects memory: of a file that is sent in pieces no more is taken in than the limit and one byte."""
    sent = io.BytesIO(b"#" * 10 * MOST_BYTES)
    with pytest.raises(ScenarioError, match="larger than"):
        read_upload("large.toml", sent)
    assert sent.tell() == MOST_BYTES + 1


def test_most_that_is_accepted_is_quick() -> None:
    """Protects the server: the worst that stays within all limits is checked in about a second."""
    content = _many('[[events]]\nname = "e{}"\nstep = 3\nset = {{ "policy.subsidy" = 0.1 }}', 330)
    begun = time.thread_time()
    assert len(read_upload("events.toml", content).events) == 330
    assert time.thread_time() - begun < 3.0


@given(st.text())
def test_names_are_plain(name: str) -> None:
    """A file's name holds no directory, no dot and no mark, whatever was sent."""
    plain = plain_name(name)
    assert 1 <= len(plain) <= 40
    assert all(letter.isalnum() or letter in "-_" for letter in plain)
