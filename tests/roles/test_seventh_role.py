"""A seventh role plays: a Python file dropped into a folder, without any change to the engine; a bad file is one sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecosim import Ecosystem, ScenarioError, load_scenario, read_roles
from ecosim.state import INTERFACES

BANK = '''
"""The bank: lends to partners that are short of capital, and gives to start-ups what it can spare."""

from ecosim import Organisation, Parameter, ParameterGroup

PARAMETERS = ParameterGroup("bank", __name__, {
    "lending": Parameter(0.10, 0.0, 1.0, "share of capital", "What it lends to one partner.", "assumption"),
    "giving": Parameter(0.01, 0.0, 1.0, "share of capital", "What it gives to one partner.", "assumption"),
})


class Bank(Organisation):
    kinds = ("savings bank", "venture fund")
    community = "service"
    chain_position = 0.6
    brings = "capital"
    parameters = PARAMETERS
    interfaces = {"firm": "funding", "supplier": "funding"}
    defaults = {"initial": 3, "capacity": 6.0, "capital": 900.0, "breadth": 0.9, "spread": 0.0}

    def orchestrate(self):
        self.wages_due = 0.01 * self.capital
        for partner in self.partners:
            self.pay(partner, self.settings.giving * self.capital, "grants")
            if not self.owes(partner):
                self.lend(partner, self.settings.lending * self.capital)

    def owes(self, partner):
        ties = self.model.ties
        between = [t for t in self.model.tie_rows if {ties.a[t], ties.b[t]} == {self.row, partner.row}]
        return any(ties.loan[t] != 0.0 for t in between)
'''

STANDARDS_BODY = '''
"""The standards body: opens its partners a little each quarter, in one compiled rule for all members."""

from ecosim import Organisation, Parameter, ParameterGroup, compiled

PARAMETERS = ParameterGroup("standards_body", __name__, {
    "pull": Parameter(0.2, 0.0, 1.0, "1/quarter", "Part of the way to full openness that a standard moves a partner.", "assumption"),
})


@compiled
def open_partners(organisations, ties, rows, tie_rows, p):
    ours = np.zeros(organisations.uid.size, np.bool_)
    ours[rows] = True
    for t in tie_rows:
        for one, other in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
            if ours[one]:
                organisations.openness[other] += p.pull * (1.0 - organisations.openness[other])


SHARE


class StandardsBody(Organisation):
    parameters = PARAMETERS
    interfaces = {"firm": "standards", "university": "standards"}
    defaults = {"initial": 5, "capital": 200.0, "breadth": 1.0, "openness": 0.9}
    rules = {"share": share}
'''.replace("from ecosim", "import numpy as np\n\nfrom ecosim", 1)

OF_MODEL = """
def share(model, rows, parameters):
    open_partners(model.organisations, model.ties, rows, model.tie_rows, parameters)
"""
OF_STATE = """
from ecosim.columns import living


@compiled
def share(state, numbers, rows, parameters, seed, step):
    open_partners(state.organisations, state.ties, rows, living(state.ties.alive, state.tie_slots), parameters)
    return True
"""

LIVELY = Path(__file__).parents[1] / "engine" / "lively.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the bank."""
    (tmp_path / "bank.py").write_text(BANK)
    return tmp_path


def _ecosystem(folder: Path, scenario: Path = LIVELY, **more: Any) -> Ecosystem:
    return Ecosystem(scenario, **{"seed": 1, "agents": [folder], "audit": True, **more})


# A world in which what a bank does cannot fail to happen by luck: who is asked for a tie says yes, no tie is given up (a loan
# would be called back with it), banks had time to find partners, none leaves, and users buy from the start, so that firms have value to pay interest with.
CERTAIN = {
    "symbiosis.reluctance": -10.0, "symbiosis.dissolution": 0.0, "symbiosis.loss_patience": 0.0,
    "symbiosis.past_rounds": 60, "roles.bank.growth_rate": 0.0, "adoption.initial": 1.0,
}  # fmt: skip


# -- the bank ---------------------------------------------------------------------------------------------------


def test_bank_plays(folder: Path) -> None:
    """The bank forms ties, moves money, keeps the books in balance for 20 quarters and stands in every table."""
    model = _ecosystem(folder, **CERTAIN)
    assert model.role_names[6:] == ("bank",)
    bank = model.roles["bank"].agent
    assert len(model.agents_by_type[bank]) == 3
    partners: set[str] = set()
    lent = 0.0
    for _ in range(20):
        model.step()  # audited
        partners |= {partner.role for agent in model.agents_by_type[bank] for partner in agent.partners}
        lent += model.books.paid[9, 6].sum()
    assert partners == {"firm", "supplier"}
    assert lent > 0.0
    formed = model.happened.query("event == 'tie formed'")
    assert (formed["subject"].str.startswith("bank") | formed["object"].str.startswith("bank")).sum() > 3
    booked = model.value.query("beneficiary == 'bank'")
    assert len(booked) == 20 * 3
    assert booked["value"].sum() > 0.0, "interest on loans carries value to the bank"
    assert model.value.groupby("step")["value"].sum().to_numpy() == pytest.approx(model.metrics["value_created"])
    assert list(model.value_shares().columns)[:8] == [*model.role_names, "employees"]
    assert model.by_role.query("role == 'bank'")["count"].tolist()[0] == 3
    paid = model.flows.query("source == 'bank' and element == 'capital'")
    assert set(paid["target"]) == {"firm", "supplier"}
    assert "share_bank" in model.metrics


def test_loans_are_paid_back(folder: Path) -> None:
    """What the bank lends comes back with interest, by the engine's own rule, and one tie carries one loan at a time."""
    model = _ecosystem(folder, **CERTAIN, **{"roles.bank.giving": 0.0, "roles.bank.lending": 0.02}).run(20)
    banks = model.agents_by_type[model.roles["bank"].agent]
    agent, borrower = next((bank, partner) for bank in banks for partner in bank.partners if bank.owes(partner))
    with pytest.raises(ValueError, match=r"bank .* has a loan on its tie with"):
        agent.lend(borrower, 1.0)
    stranger = model.agents_by_type[model.roles["user"].agent][0]
    with pytest.raises(ValueError, match=r"bank .* has no tie with user"):
        agent.lend(stranger, 1.0)
    flows = model.flows.query("element == 'capital'")
    assert flows.query("source == 'bank'")["volume"].sum() > 0.0
    assert model.coefficients()[6].max() > 0.0, "interest makes the bank gain from those it lends to"


def test_loan_is_owed_by_the_borrower(folder: Path) -> None:
    """On a tie, a loan is positive if its first side lent, negative if its second did, and the other side pays it back."""
    model = _ecosystem(folder, **CERTAIN, **{"roles.bank.giving": 0.0, "roles.bank.lending": 0.0})
    ties, role = model.ties, model.organisations.role
    first, second, *_ = [t for t in model.tie_rows if 6 in (role[ties.a[t]], role[ties.b[t]])]
    for tie, amount in ((first, 2.0), (second, -2.0)):
        sides = model.view(ties.a[tie]), model.view(ties.b[tie])
        lender, borrower = sides if amount > 0.0 else sides[::-1]
        assert lender.lend(borrower, 2.0) == 2.0
        assert ties.loan[tie] == amount
    model.step()
    loans = model.ties.loan  # the table may have grown
    assert 0.0 < loans[first] < 2.0
    assert -2.0 < loans[second] < 0.0


def test_bank_is_set_in_a_scenario(folder: Path, tmp_path: Path) -> None:
    """A scenario file sets the bank's own parameters, kinds and numbers, and names a bank; a slip in it is found."""
    (tmp_path / "world.toml").write_text(
        f'extends = "{LIVELY.as_posix()}"\n[roles.bank]\ninitial = 1\ngiving = 0.05\nkinds = {{"venture fund" = 1.0}}\n'
        '[[organisations]]\nname = "Own bank"\nrole = "bank"\nkind = "savings bank"\ntalent = 7.0\n'
    )
    model = _ecosystem(folder, tmp_path / "world.toml", **{"roles.bank.lending": 0.25})
    own, other = model.agents_by_type[model.roles["bank"].agent]
    assert (own.name, own.kind, own.talent) == ("Own bank", "savings bank", 7.0)
    assert other.kind == "venture fund"
    assert (own.settings.giving, own.settings.lending) == (0.05, 0.25)
    (tmp_path / "slip.toml").write_text("[roles.bank]\ngivin = 0.05\n")
    with pytest.raises(ScenarioError, match=r"givin.*did you mean 'giving'"):
        load_scenario(tmp_path / "slip.toml", read_roles(folder))
    with pytest.raises(ScenarioError, match=r"roles\.bank\.lending.*1\.5"):
        _ecosystem(folder, **{"roles.bank.lending": 1.5})
    with pytest.raises(ScenarioError, match="bank"):
        load_scenario(tmp_path / "world.toml")


def test_parameter_of_the_bank_counts(folder: Path) -> None:
    """A parameter that only the bank has changes the run, from a keyword or by ``set``."""
    model, other = _ecosystem(folder).run(6), _ecosystem(folder, **{"roles.bank.giving": 0.2}).run(6)
    assert not model.metrics["capital_total"].equals(other.metrics["capital_total"])
    assert other.books.benefit[0, 6] > 2.0 * model.books.benefit[0, 6] > 0.0, "what it gives counts as help for firms"
    branch = model.branch()
    branch.set("roles.bank.giving", 0.2)
    assert not branch.run(4).metrics.equals(model.run(4).metrics)


def test_loaded_scenario_is_completed(folder: Path) -> None:
    """A `Scenario` that was loaded without the bank gets its defaults."""
    plain = Ecosystem(load_scenario(LIVELY), seed=1, agents=[folder]).run(4)
    pd.testing.assert_frame_equal(plain.metrics, _ecosystem(folder).run(4).metrics)


def test_member_removed_in_its_turn_does_not_act(tmp_path: Path) -> None:
    """A member that another removes in the same phase is not asked any more, even if its row has a new owner."""
    (tmp_path / "shark.py").write_text("""
from ecosim import Organisation

class Shark(Organisation):
    defaults = {"initial": 3, "growth_rate": 0.0}
    turns = 0

    def perceive(self):
        self.turns += 1
        others = [agent for agent in self.model.agents_by_type[type(self)] if agent is not self]
        if others:
            others[-1].remove()
            self.model.enter(self.model.roles["user"].index, 1)
""")
    model = _ecosystem(tmp_path, **{"rules.turnover": False})
    sharks = list(model.agents_by_type[model.roles["shark"].agent])
    model.step()
    assert [shark.alive for shark in sharks] == [False, True, False]
    assert sharks[1].turns == 1


def test_members_remember_what_is_declared(tmp_path: Path) -> None:
    """A declared attribute is each member's own; one that is not declared is refused with the nearest name."""
    (tmp_path / "bank.py").write_text("""
from ecosim import Organisation

class Bank(Organisation):
    defaults = {"initial": 2}
    visits = 0

    def perceive(self):
        self.visits += 1
""")
    model = _ecosystem(tmp_path)
    first, second = model.agents_by_type[model.roles["bank"].agent]
    model.run(2)
    first.visits = 10
    assert (first.visits, second.visits, type(first).visits) == (10, 2, 0)
    with pytest.raises(AttributeError, match="did you mean 'visits'"):
        first.vists = 1


# -- the standards body -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [OF_MODEL, OF_STATE], ids=["of the model", "of the state"])
def test_standards_body_plays_compiled(share: str, tmp_path: Path) -> None:
    """A rule over columns, compiled, does for all members what the same loop in Python does, in either form of a rule."""
    (tmp_path / "standards_body.py").write_text(STANDARDS_BODY.replace("SHARE", share))
    quiet = {"rules.open_sharing": True, "rules.learning": False}
    model, still = (_ecosystem(tmp_path, **quiet, **{"roles.standards_body.pull": pull}).run(6) for pull in (0.2, 0.0))
    number = model.roles["standards_body"].index
    table, ties = model.organisations, model.ties
    sides = [(ties.a[t], ties.b[t]) for t in model.tie_rows]
    partners = {other for one, other in [*sides, *((b, a) for a, b in sides)] if table.role[one] == number}
    assert len(partners) > 1
    assert model.metrics["mean_openness"].iloc[-1] > still.metrics["mean_openness"].iloc[-1]
    before = table.openness.copy()
    rule = model.roles["standards_body"].rules["share"]
    taken = model.members(number), model.role_parameters["standards_body"]
    rule(model, *taken) if share == OF_MODEL else model.follow(rule, *taken)
    expected = before.copy()
    for one, other in [pair for side in sides for pair in (side, side[::-1])]:
        if table.role[one] == number:
            expected[other] += 0.2 * (1.0 - expected[other])
    np.testing.assert_allclose(table.openness, expected, rtol=1e-15)
    assert (table.openness != before).sum() == len(partners)


def test_two_folders(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Roles of several folders play together, in the order of the folders; a later file of the same name takes the place."""
    other = tmp_path_factory.mktemp("other")
    (other / "standards_body.py").write_text(STANDARDS_BODY.replace("SHARE", OF_MODEL))
    (other / "university.py").write_text(
        'from ecosim import Organisation\n\n\nclass Academy(Organisation):\n    kinds = ("academy",)\n'
    )
    roles = read_roles(folder, other)
    assert list(roles)[6:] == ["bank", "standards_body"]
    assert roles["university"].agent.__name__ == "Academy"
    assert roles["university"].index == 2
    model = Ecosystem(LIVELY, seed=1, agents=[folder, other], audit=True).run(3)
    assert {agent.kind for agent in model.agents_by_type[roles["university"].agent]} == {"academy"}


def test_edited_file_is_read_again(folder: Path) -> None:
    """A file that was edited is read again, not taken from memory; models made before keep what they have."""
    before = read_roles(folder)["bank"]
    (folder / "bank.py").write_text(BANK.replace('brings = "capital"', 'brings = "capital and advice"'))
    after = read_roles(folder)["bank"]
    assert (before.agent.brings, after.agent.brings) == ("capital", "capital and advice")
    assert read_roles(folder)["bank"].agent is after.agent


def test_file_with_underscore_is_no_role(folder: Path) -> None:
    """A file whose name begins with an underscore is left alone."""
    (folder / "_draft.py").write_text("this is no Python")
    assert list(read_roles(folder))[6:] == ["bank"]


# -- bad role files ---------------------------------------------------------------------------------------------------

_CLASS = "from ecosim import Organisation, Parameter, ParameterGroup\n\n\nclass Bank(Organisation):\n    "

BAD = {
    "no class": ("x = 1\n", "declares 0 subclasses of Organisation; a role file declares exactly one"),
    "two classes": (_CLASS + "pass\n\n\nclass Fund(Organisation):\n    pass\n", "declares 2 subclasses of Organisation"),
    "syntax error": ("class Bank(:\n", "cannot be loaded as a role: SyntaxError: invalid syntax"),
    "error in it": ("1 / 0\n", "cannot be loaded as a role: ZeroDivisionError: division by zero"),
    "missing import": ("import no_such_module\n", "cannot be loaded as a role: ModuleNotFoundError: No module named"),
    "unknown default": (_CLASS + 'defaults = {"capitl": 1.0}\n', "defaults name 'capitl', which no role has; did you mean 'capital'?"),
    "default out of range": (_CLASS + 'defaults = {"openness": 3.0}\n', "default of 'openness' is 3.0; valid is 0.0 to 1.0 share"),
    "default not a number": (_CLASS + 'defaults = {"capital": "much"}\n', "default of 'capital' is 'much'; give a number"),
    "default a fraction of a head": (_CLASS + 'defaults = {"initial": 2.5}\n', "default of 'initial' is 2.5; give a whole number"),
    "unknown target": (_CLASS + 'interfaces = {"frim": "funding"}\n', "interfaces name 'frim', which is no role; did you mean 'firm'?"),
    "unknown interface": (_CLASS + 'interfaces = {"firm": "fundng"}\n', "interface with 'firm' is 'fundng'; did you mean 'funding'?"),
    "misspelt hook": (_CLASS + "def orchestrat(self):\n        pass\n", "method 'orchestrat' is no phase; did you mean 'orchestrate'?"),
    "hook run together": (_CLASS + "def turnover(self):\n        pass\n", "method 'turnover' is no phase; did you mean 'turn_over'?"),
    "rule of no phase": (_CLASS + 'rules = {"orchestration": print}\n', "rules name 'orchestration', which is no phase; did you mean 'orchestrate'?"),
    "rule no function": (_CLASS + 'rules = {"share": "much"}\n', "the rule of 'share' is 'much'; give a function"),
    "kinds a word": (_CLASS + 'kinds = "savings"\n', "kinds is 'savings'; give a tuple"),
    "chain position": (_CLASS + "chain_position = 2\n", "chain_position is 2; valid is 0 to 1"),
    "column": (_CLASS + "capital = 5.0\n", "declares 'capital', which every organisation has; give its start in defaults"),
    "capability": (_CLASS + "risk = 5.0\n", "declares 'risk', which every organisation has"),
    "shared list": (_CLASS + "clients = []\n", "declares 'clients' as a list, which all members would share"),
    "parameters": (_CLASS + 'parameters = {"rate": 0.1}\n', "parameters is {'rate': 0.1}; give a ParameterGroup"),
    "parameter of all": (
        _CLASS + 'parameters = ParameterGroup("bank", __name__, {"capital": Parameter(1.0, 0.0, 2.0, "1", "m", "s")})\n',
        "parameters name 'capital', which every role has",
    ),
    "parameter out of range": (
        _CLASS + 'parameters = ParameterGroup("bank", __name__, {"rate": Parameter(3.0, 0.0, 2.0, "1", "m", "s")})\n',
        "default of 'rate' is 3.0; valid is 0.0 to 2.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_one_sentence(case: str, tmp_path: Path) -> None:
    """A role file that is not as it should be raises one sentence that begins with its path, before anything runs."""
    text, finding = BAD[case]
    path = tmp_path / "bank.py"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=f"^{re.escape(f'{path}: {finding}')}") as raised:
        Ecosystem("classroom", agents=[tmp_path])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["society.py", "Bank.py", "my-bank.py", "big__bank.py", "2bank.py"])
def test_bad_name_is_refused(name: str, tmp_path: Path) -> None:
    """A file whose name cannot stand in a path of a parameter, or is that of another beneficiary, is refused."""
    (tmp_path / name).write_text(_CLASS + "pass\n")
    with pytest.raises(ScenarioError, match=f"{re.escape(name)}: the file's name cannot name a role"):
        read_roles(tmp_path)


def test_helper_methods_are_free(tmp_path: Path) -> None:
    """Methods that are no phases, and private ones whatever their name, are the role's own business."""
    (tmp_path / "bank.py").write_text(
        _CLASS + "def share_of(self):\n        return 1\n\n    def _share(self):\n        return 2\n"
    )
    role = read_roles(tmp_path)["bank"]
    assert not any(role.acts_in(name) for name in ("share", "share_of_", "_share_", "remove", "capital"))
    assert role.acts_in("share_of")  # a phase of a user's own may have this name


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    """A folder that is not there, or is a file, is refused."""
    (tmp_path / "bank.py").write_text(BANK)
    for path in (tmp_path / "nowhere", tmp_path / "bank.py"):
        with pytest.raises(ScenarioError, match="is not a directory of role files"):
            Ecosystem("classroom", agents=[path])


@pytest.mark.parametrize("interface", INTERFACES)
def test_each_interface_can_be_declared(interface: str, tmp_path: Path) -> None:
    """A role can declare any of the interfaces, and both directions of the pair get it."""
    (tmp_path / "bank.py").write_text(_CLASS + f'interfaces = {{"user": "{interface}"}}\n')
    model = Ecosystem(LIVELY, seed=1, agents=[tmp_path])
    bank, user = model.roles["bank"].index, model.roles["user"].index
    declared = model.numbers.roles.interface
    assert declared[bank, user] == declared[user, bank] == INTERFACES.index(interface)
