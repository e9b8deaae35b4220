"""Every malformed scenario gives one sentence with place, finding and remedy, and nothing else escapes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecosim.parameters import ScenarioError
from ecosim.roles import read_roles
from ecosim.scenario import load_scenario
from ecosim.scenario_file import key_lines
from ecosim.schema import scenario_schema

ROLES = read_roles()
FIRM_KIND = ROLES["firm"].kinds[0]


@dataclass(frozen=True)
class Case:
    """A malformed text, the line at fault, parts of the sentence, and whether the JSON Schema sees the fault too."""

    name: str
    text: str
    line: int
    found: str
    remedy: str
    in_schema: bool = True


EVENT = '[[events]]\nname = "recession"\n'
ORGANISATION = '[[organisations]]\nname = "Huawei"\n'
COMPONENT = '[[components]]\nname = "codec"\n'
PLATFORM = f'{ORGANISATION}role = "firm"\n[[organisations]]\nname = "ISV"\nrole = "supplier"\n[[agreements]]\n'
MEMBERS = 'members = [\n{ name = "Huawei", share = 0.6 },\n{ name = "ISV", share = 0.4 }]\n'
TWO_COMPONENTS = '[[components]]\nname = "a"\nrequires = ["b"]\n[[components]]\nname = "b"\n'

STRUCTURE = [
    Case("unknown name at the top", "steps = 3\ncolour = 1\n", 2, "colour is unknown here", "valid are "),
    Case("misspelt name at the top", "stpes = 3\n", 1, "stpes is unknown here", "did you mean 'steps'?"),
    Case(
        "misspelt table", "[enviroment]\ndrift = 0.1\n", 1, "enviroment is unknown here", "did you mean 'environment'?"
    ),
    Case(
        "misspelt parameter",
        "[environment]\ndrit = 0.1\n",
        2,
        "environment.drit is unknown here",
        "did you mean 'drift'?",
    ),
    Case("misspelt rule", "[rules]\ntrsut = true\n", 2, "rules.trsut is unknown here", "did you mean 'trust'?"),
    Case("unknown role", "[roles.frim]\ninitial = 1\n", 1, "roles.frim is unknown here", "did you mean 'firm'?"),
    Case("parameter at the top", "drift = 0.1\n", 1, "drift is unknown here", "drift belongs in [environment]"),
    Case("top name in a table", "[environment]\nsteps = 4\n", 2, "environment.steps", "steps belongs at the top"),
    Case("role at the top", "[firm]\ninitial = 4\n", 1, "firm is unknown here", "firm belongs in [roles]"),
    Case(
        "table in a table",
        "[roles.rules]\n",
        1,
        "roles.rules is unknown here",
        "it is a table of its own: write [rules]",
    ),
    Case("list in a table", "[roles]\nevents = []\n", 2, "roles.events is unknown here", "write [[events]]"),
    Case("number for a table", "environment = 3\n", 1, "environment is 3 (a whole number)", "write [environment]"),
    Case("number for a role", "[roles]\nfirm = 3\n", 2, "roles.firm is 3", "write [roles.firm], and its keys"),
    Case(
        "table for a number", "[environment.drift]\nx = 1\n", 1, "environment.drift is a table", "give a number from 0"
    ),
    Case("list for a number", "[environment]\ndrift = [\n0.1]\n", 2, "environment.drift is a list", "give a number"),
    Case(
        "list of tables for a table", "[[environment]]\ndrift = 0.1\n", 1, "is a list of tables", "write [environment]"
    ),
    Case("table for a list", '[organisations]\nname = "x"\n', 1, "organisations is a table", "write [[organisations]]"),
    Case("number for a list", "\nevents = 3\n", 2, "events is 3 (a whole number)", "write [[events]]"),
    Case("list of numbers", "events = [\n  3]\n", 2, "events[1] is 3 (a whole number)", "give a table in braces"),
    Case("text for a list", 'sources = "S000"\n', 1, 'sources is "S000" (text)', "give a list of texts"),
    Case("number in a list of texts", 'sources = [\n"S000",\n7]\n', 3, "sources[2] is 7", "give text in quotes"),
    Case("number for text", "title = 7\n", 1, "title is 7 (a whole number)", "give text in quotes"),
    Case("extends is no text", "extends = 3\n", 1, "extends is 3 (a whole number)", "the path of a .toml file"),
    Case("extends is blank", 'extends = ""\n', 1, 'extends is "" (text)', "the path of a .toml file"),
    Case("unknown choice", '[schedule]\nactivation = "all"\n', 2, '"all" (text)', 'one of "simultaneous", "random"'),
]

VALUES = [
    Case(
        "too low", "[environment]\ndrift = -0.1\n", 2, "drift is -0.1, which is too low", "a number from 0 to 1 (1/qu"
    ),
    Case("too high", "[environment]\ndrift = 7\n", 2, "drift is 7, which is too high", "a number from 0 to 1 (1/qu"),
    Case("text for a number", '[environment]\ndrift = "0.1"\n', 2, 'drift is "0.1" (text)', "give a number from 0"),
    Case("switch for a number", "[environment]\ndrift = true\n", 2, "drift is true (a switch)", "give a number from 0"),
    Case("number for a switch", "[rules]\ntrust = 1\n", 2, "rules.trust is 1 (a whole number)", "give true or false"),
    Case("text for a switch", '[rules]\ntrust = "on"\n', 2, 'rules.trust is "on" (text)', "give true or false"),
    Case(
        "decimal for a whole number", "steps = 40.5\n", 1, "steps is 40.5 (a decimal number)", "a whole number from 1"
    ),
    Case("whole decimal", "steps = 40.0\n", 1, "steps is 40.0 (a decimal number)", "a whole number from 1", False),
    Case("date for a number", "steps = 1998-01-01\n", 1, "steps is 1998-01-01 (a date or time)", "a whole number"),
    Case("time for a number", "[environment]\ndrift = 07:32:00\n", 2, "07:32:00 (a date or time)", "give a number"),
    Case("not a number", "[environment]\ndrift = nan\n", 2, "drift is nan (not a number)", "give a number", False),
    Case("infinite", "[environment]\ndrift = inf\n", 2, "drift is inf (infinite)", "give a number from 0 to 1"),
    Case("minus infinite", "[environment]\ndrift = -inf\n", 2, "drift is -inf (infinite)", "give a number from 0"),
    Case("overflowing decimal", "[environment]\ndrift = 1e999\n", 2, "is inf (infinite)", "give a number from 0 to 1"),
    Case(
        "huge number of steps", f"steps = {10**30}\n", 1, f"steps is {10**30}, which is too high", "from 1 to 100_000"
    ),
    Case("enormous number", f"steps = {'9' * 3900}\n", 1, "steps is a number of about 3900 digits", "to 100_000"),
    Case("enormous for a decimal", f"[environment]\ndrift = {10**400}\n", 2, "about 400 digits", "from 0 to 1"),
    Case("many steps", "steps = 100_001\n", 1, "steps is 100001, which is too high", "from 1 to 100_000 (quarters)"),
    Case("no steps", "steps = 0\n", 1, "steps is 0, which is too low", "from 1 to 100_000 (quarters)"),
    Case("negative steps", "steps = -4\n", 1, "steps is -4, which is too low", "from 1 to 100_000 (quarters)"),
    Case("year out of range", "start_year = 12_000\n", 1, "start_year is 12000", "from 1 to 9_999 (year)"),
    Case("decimal organisations", "[roles.user]\ninitial = 1.5\n", 2, "roles.user.initial is 1.5", "(organisations)"),
    Case(
        "unknown kind weight", "[roles.firm.kinds]\nbaker = 1\n", 2, "roles.firm.kinds.baker is unknown here", FIRM_KIND
    ),
    Case(
        "weights all 0", f'[roles.firm]\nkinds = {{ "{FIRM_KIND}" = 0.0 }}\n', 2, "no weight above 0", FIRM_KIND, False
    ),
    Case(
        "weight below 0",
        f'[roles.firm.kinds]\n"{FIRM_KIND}" = -1\n',
        2,
        "is -1, which is too low",
        "give a number from 0",
    ),
    Case(
        "coefficient of no role",
        "[symbiosis.coefficients.frim]\nuser = 1\n",
        1,
        "frim is unknown here",
        "did you mean 'firm'?",
    ),
    Case(
        "coefficient for no role", "[symbiosis.coefficients.firm]\nusr = 1\n", 2, "firm.usr is unknown here", "'user'?"
    ),
    Case("coefficient out of range", "[symbiosis.coefficients.firm]\nuser = 11\n", 2, "is 11, which", "from -10 to 10"),
]

ROWS = [
    Case("organisation without role", f"{ORGANISATION}count = 3\n", 1, "organisations[1] has no role", "one of firm, "),
    Case("organisation without name", '[[organisations]]\nrole = "firm"\n', 1, "organisations[1] has no name", "name"),
    Case("organisation of no role", f'{ORGANISATION}role = "frim"\n', 3, '"frim" (text)', 'one of "firm", "supplier"'),
    Case("organisation of no kind", f'{ORGANISATION}role = "firm"\nkind = "x"\n', 4, '"x" (text), which is no', FIRM_KIND),
    Case("no organisations", f'{ORGANISATION}role = "firm"\ncount = 0\n', 4, "organisations[1].count is 0", "from 1 to"),
    Case("focal is a number", f'{ORGANISATION}role = "firm"\nfocal = 1\n', 4, "[1].focal is 1", "give true or false"),
    Case("parameter of a role", f'{ORGANISATION}role = "firm"\ncapacity = 2\n', 4, "capacity is unknown here", "capacity belongs in"),
    Case("quarter alone", f'{ORGANISATION}role = "firm"\nquarter = 2\n', 4, "quarter stands without year", "give year too"),
    Case("entry too late", f'{ORGANISATION}role = "firm"\nyear = 2010\n', 4, "is 2010 (quarter 1), after", "2009", False),
    Case(
        "organisation named twice",
        f'{ORGANISATION}role = "firm"\n\n{ORGANISATION}role = "user"\n',
        6, 'organisations[2].name is "Huawei" (text), as is the name of organisations[1]', "its own name", False,
    ),
    Case("platform without host", f"{PLATFORM}{MEMBERS}", 7, "agreements[1] has no host", "name of the member that hosts it"),
    Case("platform without members", f'{PLATFORM}host = "Huawei"\n', 7, "agreements[1] has no members", "the host included"),
    Case("platform of no kind", f'{PLATFORM}host = "Huawei"\nkind = "x"\n{MEMBERS}', 9, '"x" (text)', '"open platform"'),
    Case(
        "platform of nobody", f'{PLATFORM}host = "Huawei"\nmembers = []\n',
        8, 'host is "Huawei" (text), which is not among the members', "give the host a share", False,
    ),
    Case(
        "host that is no member", f'{PLATFORM}host = "Hauwei"\n{MEMBERS}',
        8, 'host is "Hauwei" (text), which is not among the members', "give the host a share among the members", False,
    ),
    Case(
        "member that is unknown", f"""{PLATFORM}host = "Huawei"\n{MEMBERS.replace('ISV', 'ISW')}""",
        11, 'agreements[1].members[2].name is "ISW" (text), which is no single organisation', "did you mean 'ISV'?", False,
    ),
    Case(
        "member that enters later", f"""{PLATFORM.replace('"supplier"', '"supplier"' + chr(10) + 'year = 2001')}host = "Huawei"\n{MEMBERS}""",
        12, 'name is "ISV" (text), which is no single organisation there at the start', "valid are Huawei", False,
    ),
    Case(
        "member twice", f"""{PLATFORM}host = "Huawei"\n{MEMBERS.replace('ISV', 'Huawei')}""",
        11, 'agreements[1].members[2].name is "Huawei" (text), a member already', "give each member once", False,
    ),
    Case(
        "shares that leave a rest", f"""{PLATFORM}host = "Huawei"\n{MEMBERS.replace('0.4', '0.3')}""",
        9, "agreements[1].members have shares that sum to 0.9", "give shares that sum to 1", False,
    ),
    Case("share above 1", f"""{PLATFORM}host = "Huawei"\n{MEMBERS.replace('0.4', '1.4')}""", 11, "share is 1.4", "from 0 to 1"),
    Case("effort for nothing", f"""{PLATFORM}host = "Huawei"\n{MEMBERS.replace('0.4', '0.4, cost = 0')}""", 11, "cost is 0", "from 0.0001"),
    Case("member without share", f"""{PLATFORM}host = "Huawei"\n{MEMBERS.replace(', share = 0.4', '')}""", 11, "has no share", "give share"),
    Case("component of no tier", f'{COMPONENT}tier = "outer"\n', 3, 'tier is "outer"', '"non-core", "core", "integration"'),
    Case("component of no domain", f"{COMPONENT}domain = 9\n", 3, "domain is 9, which is too high", "from 1 to 8"),
    Case("component too easy", f"{COMPONENT}difficulty = 0\n", 3, "difficulty is 0, which is too low", "from 0.01 to 1_000"),
    Case("requirement missing", f'{TWO_COMPONENTS}requires = [\n"d"]\n', 7, '"d" (text), which is no c', "are a, b", False),
    Case("requirement of itself", f'{COMPONENT}requires = ["codec"]\n', 3, "codec requires codec", "take one", False),
    Case("cyclic requirements", f'{TWO_COMPONENTS}requires = ["a"]\n', 3, "a requires b requires a", "take one", False),
    Case("component named twice", COMPONENT * 2, 4, "components[2].name is", "its own name", False),
    Case("event without name", "[[events]]\nyear = 2001\n", 1, "events[1] has no name", "give name"),
    Case("event without date", f"{EVENT}set = {{}}\n", 1, "events[1] has none of year, step, when", "exactly one of year"),
    Case("event with two dates", f"{EVENT}year = 2001\nstep = 4\n", 4, "events[1].step stands beside year", "exactly one of year"),
    Case("event without effect", f"{EVENT}step = 4\n", 1, "events[1] has none of set, shock, enter, embargo", "at least one of set"),
    Case("event changes nothing", f"{EVENT}step = 4\nset = {{}}\n", 4, "events[1].set is empty", "give a change such as"),
    Case("event too early", f"{EVENT}year = 1999\nset.steps = 1\n", 4, "events[1].set.steps cannot stand here", "only at the start"),
    Case(
        "event before the start", f'{EVENT}year = 1999\nquarter = 4\nenter = {{ role = "user" }}\n',
        3, "events[1].year is 1999 (quarter 4), before the start", "from 2000 quarter 1 (step 0) to 2009 quarter 4", False,
    ),
    Case(
        "event after the end", f'{EVENT}step = 40\nenter = {{ role = "user" }}\n',
        3, "events[1].step is 40, after the end of the run", "2009 quarter 4 (step 39)", False,
    ),
    Case("event path", f'{EVENT}step = 4\nset = {{ "environment.drit" = 1 }}\n', 4, "drit", "'environment.drift'?"),
    Case("event path too short", f"{EVENT}step = 4\nset.drift = 1\n", 4, "set.drift is unknown here", '"environment.drift"'),
    Case("event path unquoted", f"{EVENT}step = 4\nset.environment.drift = 1\n", 4, "set.environment", 'such as "environment.'),
    Case("event value", f'{EVENT}step = 4\nset = {{ "environment.drift" = 2 }}\n', 4, "is 2, which is too", "from 0 to 1"),
    Case("event at start only", f'{EVENT}step = 4\nset."roles.firm.initial" = 2\n', 4, "initial", "only at the start"),
    Case(
        "event leaves no kind", f'{EVENT}step = 4\nset."roles.firm.kinds.{FIRM_KIND}" = 0\n',
        4, "events[1].set changes weights of firm, none of them to above 0", "in the same event", False,
    ),
    Case("shock without size", f'{EVENT}step = 4\nshock = {{ index = "talent" }}\n', 4, "shock has no size", "give size"),
    Case("shock of no index", f'{EVENT}step = 4\nshock = {{ index = "x", size = 0 }}\n', 4, '"x"', 'one of "talent"'),
    Case("shock too large", f'{EVENT}step = 4\n[events.shock]\nindex = "talent"\nsize = 2\n', 6, "is 2, w", "from -1 to 1"),
    Case("shock is a number", f"{EVENT}step = 4\nshock = -0.3\n", 4, "shock is -0.3 (a decimal", "with some of index, size"),
    Case("embargo without depth", f"{EVENT}step = 4\nembargo = {{ quarters = 4 }}\n", 4, "embargo has no depth", "give depth"),
    Case("embargo without end", f"{EVENT}step = 4\nembargo = {{ depth = 0.5 }}\n", 4, "embargo has no quarters", "give quarters"),
    Case("embargo too deep", f"{EVENT}step = 4\n[events.embargo]\ndepth = 1.5\nquarters = 4\n", 5, "depth is 1.5, which is too high", "from 0 to 1"),
    Case("embargo of no quarter", f"{EVENT}step = 4\n[events.embargo]\nquarters = 0\ndepth = 1\n", 5, "quarters is 0, which is too low", "from 1 to 1_000"),
    Case("embargo of half a quarter", f"{EVENT}step = 4\n[events.embargo]\nquarters = 0.5\ndepth = 1\n", 5, "quarters is 0.5", "a whole number"),
    Case("embargo is a number", f"{EVENT}step = 4\nembargo = 0.8\n", 4, "embargo is 0.8 (a decimal", "with some of depth, quarters"),
    Case("embargo of something", f"{EVENT}step = 4\nembargo = {{ depth = 1, quarters = 4, of = 3 }}\n", 4, "embargo.of is unknown here", "valid are"),
    Case(
        "shock without end", f'{EVENT}step = 4\n[events.shock]\nindex = "talent"\nsize = 0\nquarters = 0\n',
        7, "events[1].shock.quarters is 0, which is too low", "from 1 to 1_000 (quarters)",
    ),
    Case("entry of no role", f'{EVENT}step = 4\nenter = {{ role = "bank" }}\n', 4, '"bank" (text)', 'one of "firm"'),
    Case("entry of no kind", f'{EVENT}step = 4\nenter = {{ role = "firm", kind = "x" }}\n', 4, "no kind of firm", FIRM_KIND),
    Case("condition on no metric", f'{EVENT}when = "trust < 1"\nenter.role = "user"\n', 3, "trust, which is no", "mean_trust"),
    Case("condition unreadable", f'{EVENT}when = "mean_trust is low"\n', 3, "mean_trust is low", 'such as "mean_trust < 0'),
    Case("condition with or equal", f'{EVENT}when = "ties <= 3"\n', 3, '"ties <= 3" (text)', 'such as "mean_trust < 0.3"'),
    Case("condition on nan", f'{EVENT}when = "ties < nan"\n', 3, '"ties < nan" (text)', "and a number"),
    Case("after without when", f"{EVENT}step = 2\nafter = 2001\nset = {{}}\n", 4, "after stands without when", "when too"),
    Case(
        "after the end", f'{EVENT}when = "ties > 3"\nafter = 2010\nenter.role = "user"\n',
        4, "events[1].after is 2010, after the end of the run", "2009", False,
    ),
]  # fmt: skip

TEXTS = [
    Case("enormous hexadecimal", f"steps = 0x{'f' * 3900}\n", 1, "about 4696 digits, which is too high", "to 100_000"),
    Case("empty", "", 1, "the file is empty", "give at least a title"),
    Case("only comments", "# nothing\n\n# here\n", 1, "the file is empty, it holds no key", "give at least a title"),
    Case("key twice", "steps = 3\nsteps = 4\n", 2, "given a second time", "keep one of them"),
    Case("table twice", "[rules]\ntrust = true\n[rules]\n", 3, "given a second time", "keep one of them"),
    Case("no value", 'title = "x"\nsteps =\n', 2, "is not TOML", "write name = value"),
    Case("no equals sign", 'title = "x"\nsteps 3\n', 2, "is not TOML", "write name = value"),
    Case("bare word", "[schedule]\nactivation = random\n", 2, "is not TOML", "text in quotes"),
    Case("open string", 'title = "x\nsteps = 3\n', 1, "is not TOML", "text in quotes"),
    Case("open table", "[rules\ntrust = true\n", 1, "is not TOML", "tables as [name]"),
    Case("open list", "sources = [\n'a'\n", 2, "is not TOML", "tables as [name]"),
    Case("impossible date", "steps = 1998-13-45\n", 1, "is not TOML", "write name = value"),
    Case("deep lists", "title = " + "[\n" * 20_000, 1, "stand too deep inside each other", "four levels"),
    Case("deep inline tables", "title = " + "{a=" * 900 + "1" + "}" * 900, 1, "too deep inside", "four levels"),
    Case("deep key", "\n" + "a." * 1_000 + "b = 1\n", 2, "a key has more than 32 parts", "four are enough"),
    Case("deep quoted key", '"a" . ' * 500 + "b = 1\n", 1, "a key has more than 32 parts", "four are enough"),
    Case("deep table", "[" + "a." * 1_000 + "b]\n", 1, "a key has more than 32 parts", "four are enough"),
    Case("long key", "a" * 3_000 + " = 1\n", 1, "a" * 60 + "... is unknown here", "valid are "),
    Case("long line", "steps = 3\n" + "a" * 5_000 + " = 1\n", 2, "the line is 5_004 characters long", "4_000"),
    Case("key with line break", '"a\\nb" = 1\n', 1, '"a\\nb" is unknown here', "valid are "),
    Case("empty key", '"" = 1\n', 1, '"" is unknown here', "valid are "),
]


def sentence_of(path: Path) -> str:
    """Return the sentence with which a file is refused."""
    with pytest.raises(ScenarioError) as error:
        load_scenario(path, ROLES)
    sentence = str(error.value)
    assert sentence.isprintable()
    assert len(sentence) < 800
    return sentence


@pytest.mark.parametrize("case", [*STRUCTURE, *VALUES, *ROWS, *TEXTS], ids=lambda case: case.name)
def test_malformed_text_gives_one_sentence(case: Case, tmp_path: Path) -> None:
    """A malformed file is refused in one line: file and line, what was found, what is right."""
    path = tmp_path / "wrong.toml"
    path.write_text(case.text, encoding="utf-8")
    sentence = sentence_of(path)
    finding, remedy = sentence.removeprefix(f"{path}:{case.line}: ").split("; ", 1)
    assert sentence.startswith(f"{path}:{case.line}: ")
    assert case.found in finding
    assert case.remedy in remedy


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """Return the validator of the scenario schema."""
    return jsonschema.Draft202012Validator(scenario_schema(ROLES))


@pytest.mark.parametrize("case", [*STRUCTURE, *VALUES, *ROWS], ids=lambda case: case.name)
def test_schema_sees_what_editors_can_see(case: Case, validator: jsonschema.Draft202012Validator) -> None:
    """The JSON Schema refuses the same files, but for faults that lie between several values."""
    assert validator.is_valid(tomllib.loads(case.text)) is not case.in_schema


@pytest.mark.parametrize(
    ("content", "line", "found", "remedy"),
    [
        (b"\xef\xbb\xbftitle = 'x'\n", ":1", "starts with a byte order mark", "without byte order mark"),
        ("title = 'x'\n".encode("utf-16"), ":1", "starts with a byte order mark", "save it as UTF-8"),
        (b"title = 'x'\nquestion = 'caf\xe9'\n", ":2", "byte 0xe9 is not UTF-8", "save the file as UTF-8"),
        (b"\x7fELF\n\x02\x00\x00\xff", ":2", "holds a zero byte, it is not text", "give a TOML file"),
        (b"#" * 1_000_001, "", "larger than 1_000_000 bytes", "split it with extends"),
        (b"title = 'x'\r\nsteps = 0\r\n", ":2", "steps is 0, which is too low", "a whole number from 1"),
        (b"title = '\x01'\n", ":1", "is not TOML", "write name = value"),
    ],
    ids=["UTF-8 mark", "UTF-16", "Latin-1", "binary", "too large", "line ends of Windows", "control character"],
)  # fmt: skip
def test_malformed_bytes_give_one_sentence(content: bytes, line: str, found: str, remedy: str, tmp_path: Path) -> None:
    """A file that is no UTF-8 text of reasonable size is refused in one line."""
    path = tmp_path / "wrong.toml"
    path.write_bytes(content)
    sentence = sentence_of(path)
    assert sentence.startswith(f"{path}{line}: ")
    assert found in sentence
    assert remedy in sentence


@pytest.mark.parametrize("length", [1, 2, 3])
def test_cyclic_extends_names_the_cycle(length: int, tmp_path: Path) -> None:
    """Files that extend each other in a circle are refused, the cycle spelt out."""
    names = [f"world{number}.toml" for number in range(length)]
    for name, following in zip(names, [*names[1:], names[0]], strict=True):
        (tmp_path / name).write_text(f'steps = 8\nextends = "{following}"\n')
    sentence = sentence_of(tmp_path / names[0])
    assert sentence.startswith(f"{tmp_path / names[-1]}:2: extends is ")
    assert " extends ".join([*names, names[0]]) in sentence


@pytest.mark.parametrize("target", ["missing.toml", "nowhere", "a/b.toml", "a\\u0000b.toml", "a" * 300])
def test_missing_target_of_extends_is_refused_where_it_stands(target: str, tmp_path: Path) -> None:
    """An extends that leads to no file is refused in the file that says it."""
    (tmp_path / "wrong.toml").write_text(f'steps = 8\nextends = "{target}"\n')
    sentence = sentence_of(tmp_path / "wrong.toml")
    assert sentence.startswith(f"{tmp_path / 'wrong.toml'}:2: extends is ")
    assert "which is no file; give the path of a .toml file" in sentence


def test_target_of_extends_that_is_a_directory_is_refused(tmp_path: Path) -> None:
    """An extends that leads to a directory is refused with the directory's name."""
    (tmp_path / "wrong.toml").write_text('extends = "."\n')
    assert sentence_of(tmp_path / "wrong.toml") == f"{tmp_path}: is a directory; give the path of a .toml file in it"


@pytest.mark.parametrize(
    ("base", "child", "file", "found"),
    [
        ("\n[environment]\ndrft = 1\n", 'extends = "base.toml"\n', "base.toml:3", "environment.drft is unknown"),
        ("steps = 0\n", 'extends = "base.toml"\nsteps = 4\n', "base.toml:1", "steps is 0"),
        ("steps = 0\n", 'extends = "base.toml"\nstep = 4\n', "child.toml:2", "step is unknown here"),
        (
            '[[events]]\nname = "x"\nyear = 2004\nenter = { role = "user" }\n', 'extends = "base.toml"\nsteps = 4\n',
            "base.toml:3", "events[1].year is 2004 (quarter 1), after the end of the run",
        ),
        (
            f'[roles.firm.kinds]\n"{FIRM_KIND}" = 1\n', f'extends = "base.toml"\n[roles.firm.kinds]\n"{FIRM_KIND}" = 0\n',
            "child.toml:2", "roles.firm.kinds has no weight above 0",
        ),
    ],
    ids=["name in the base", "value in the base", "both, child first", "base's date, child's steps", "child's weights"],
)  # fmt: skip
def test_inherited_errors_name_the_file_of_the_key(
    base: str, child: str, file: str, found: str, tmp_path: Path
) -> None:
    """An error names the file in which the wrong key stands."""
    (tmp_path / "base.toml").write_text(base)
    (tmp_path / "child.toml").write_text(child)
    assert sentence_of(tmp_path / "child.toml").startswith(f"{tmp_path / file}: {found}")


def test_paths_without_scenario_are_refused(tmp_path: Path) -> None:
    """A directory, a missing file, an impossible name: each is one sentence."""
    assert sentence_of(tmp_path) == f"{tmp_path}: is a directory; give the path of a .toml file in it"
    assert "there is no such file; give the path of a .toml file" in sentence_of(tmp_path / "missing.toml")
    assert "cannot be read: " in sentence_of(tmp_path / "nul\0.toml")
    assert "cannot be read: " in sentence_of(tmp_path / ("x" * 3_000))
    assert "\\n" in sentence_of(tmp_path / "two\nlines.toml")


def test_missing_name_gets_the_nearest_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt name of a shipped scenario is answered with the right one, on the way in and in extends."""
    (tmp_path / "classroom.toml").write_text('title = "x"\n')
    monkeypatch.setattr("ecosim.scenario_file.content_directory", lambda name: tmp_path)
    with pytest.raises(ScenarioError, match=r"^clasroom: there is no such file; .* did you mean 'classroom'\?$"):
        load_scenario("clasroom", ROLES)
    (tmp_path / "child.toml").write_text('extends = "clasroom"\n')
    with pytest.raises(ScenarioError, match=r"child.toml:1: extends is \"clasroom\" .* did you mean 'classroom'\?$"):
        load_scenario("child", ROLES)


WHOLE = f"""\
# A world for tests.
title = "A world"  # with 'quotes' in a comment
question = '''What
[if] it = 1?'''
sources = ["S000 4", "S001 # 2.1",
    'S002']
start_year = 1998
steps = 108
rules.trust = false
schedule = {{ activation = "random" }}

[environment]
drift = 0.2

[roles.firm]
initial = 6
kinds = {{ "{FIRM_KIND}" = 1.0 }}
[roles.user]
"growth_rate" = 0.01
[symbiosis.coefficients.firm]
supplier = 0.3

[[organisations]]
name = "Huawei"
role = "firm"
focal = true
year = 1999
quarter = 2
capital = 100

[[components]]
name = "voice codec"
tier = "core"
[[components]]
name = "base station"
requires = [ # a list over lines
    "voice codec",
]

[[events]]
name = "internet recession"
year = 2002
set = {{ "environment.drift" = 0.5, "roles.firm.risk" = 0.1 }}
[events.shock]
index = "economy"
size = -0.3
[[events]]
name = "crisis"
when = "mean_trust < 0.3"
after = 2001
enter = {{ role = "supplier", count = 5 }}
"""


def paths_of(tree: Any, keys: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the keys of all values in a tree."""
    items = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list) else ()
    return [path for key, value in items for path in [(*keys, key), *paths_of(value, (*keys, key))]]


def test_every_key_has_its_line() -> None:
    """The line of each key is the line on which a reader finds it."""
    lines = key_lines(WHOLE)
    assert set(lines) == set(paths_of(tomllib.loads(WHOLE)))
    written = WHOLE.splitlines()
    for keys, line in lines.items():
        named = next(key for key in reversed(keys) if isinstance(key, str))
        assert named in written[line - 1] or isinstance(keys[-1], int)
    assert lines["events", 1] == written.index("[events.shock]") + 4
    assert lines["components", 1, "requires", 0] == written.index('    "voice codec",') + 1


KEYS = st.sampled_from(["a", "b-c", "7", '"d e"', "'f.g'", '"h\\t"', '"[i"'])
SCALARS = st.sampled_from(
    ["1", "-2.5", "true", "1979-05-27 07:32:00Z", "07:32:00", '"a = [1]"', "'{#'", '"""x\n[y]\n\\""""', "'''\n''k=1'''"]
)
VALUES_TREE = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[\n" + ", # ,]\n".join(items) + "\n]"),
        st.dictionaries(KEYS, inner, max_size=3).map(
            lambda table: "{ " + ", ".join(f"{key} = {value}" for key, value in table.items()) + " }"
        ),
    ),
    max_leaves=6,
)
STATEMENTS = st.one_of(
    st.tuples(st.lists(KEYS, min_size=1, max_size=3), VALUES_TREE).map(
        lambda pair: " . ".join(pair[0]) + f" = {pair[1]}"
    ),
    st.lists(KEYS, min_size=1, max_size=3).map(lambda keys: f"[ {' . '.join(keys)} ] # ]"),
    st.lists(KEYS, min_size=1, max_size=2).map(lambda keys: f"[[{'.'.join(keys)}]]"),
    st.just("# x = [1, {"),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STATEMENTS, max_size=6))
def test_line_finder_finds_what_toml_finds(statements: list[str]) -> None:
    """Whatever TOML reads from a text, the line finder has a line for every key of it, and for nothing else."""
    kept: list[str] = []
    for statement in statements:
        try:
            tomllib.loads("\n".join([*kept, statement]))
        except tomllib.TOMLDecodeError:
            continue
        kept.append(statement)
    text = "\n".join(kept)
    assert set(key_lines(text)) == set(paths_of(tomllib.loads(text)))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return the whole scenario with a few characters or lines deleted, doubled, swapped or replaced."""
    text = WHOLE
    for _ in range(draw(st.integers(1, 4))):
        by_line = draw(st.booleans())
        parts = text.splitlines(keepends=True) if by_line else list(text)
        if not parts:
            break
        position = draw(st.integers(0, len(parts) - 1))
        other = draw(st.integers(0, len(parts) - 1))
        action = draw(st.sampled_from(["delete", "double", "swap", "replace"]))
        if action == "delete":
            del parts[position]
        elif action == "double":
            parts.insert(position, parts[position])
        elif action == "swap":
            parts[position], parts[other] = parts[other], parts[position]
        else:
            parts[position] = draw(st.text(max_size=3) | st.sampled_from(list("[]{}=\"'.,#-\n019\\")))
        text = "".join(parts)
    return text


@pytest.fixture(scope="module")
def mutant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path under which mutants are written."""
    return tmp_path_factory.mktemp("mutants") / "mutant.toml"


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=mutated())
def test_mutants_load_or_give_one_sentence(text: str, mutant: Path) -> None:
    """Whatever happens to a valid file, it is a scenario or it is refused in one sentence."""
    mutant.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        scenario = load_scenario(mutant, ROLES)
    except ScenarioError as error:
        sentence = str(error)
        assert sentence.startswith(f"{mutant}")
        assert sentence.isprintable()
        assert "; " in sentence
    else:
        assert scenario.name == "mutant"
