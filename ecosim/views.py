"""The world as Mesa sees it: organisations as agents, made on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import mesa

from ecosim.world import World

if TYPE_CHECKING:
    from mesa.agent import AgentSet

    from ecosim.model import Ecosystem
    from ecosim.organisation import Organisation


class Views(World):
    """Hands out one agent an organisation, the same as long as it lives; nobody's wish costs nothing."""

    _views: dict[int, Organisation]
    _views_key: Any

    def view(self, row: int) -> Organisation:
        """Return the agent of a row, the same object as long as the organisation lives."""
        uid = int(self.organisations.uid[row])
        if uid not in self._views:
            agent = self.roles[self.role_names[int(self.organisations.role[row])]].agent
            self._views[uid] = agent.of(cast("Ecosystem", self), row, uid)
        return self._views[uid]

    def twin(self, agent: Organisation) -> Organisation:
        """Return this model's agent of the organisation that is an agent of a branch, or of what this is a branch of."""
        rows = self.rows[self.organisations.uid[self.rows] == agent.unique_id]
        return (
            self.view(int(rows[0]))
            if len(rows)
            else type(agent).of(cast("Ecosystem", self), agent._row, agent.unique_id)
        )

    def _forget_departed(self) -> None:
        living = set(self.organisations.uid[self.rows].tolist())
        self._views = {uid: view for uid, view in self._views.items() if uid in living}

    def _sync_agents(self) -> None:
        """Give each living organisation an agent and let the agents of others go; always in the order of role and uid."""
        key = tuple(self.slots.state)
        if self._views_key == key:
            return
        self._views_key = key
        self._forget_departed()
        for agent in [agent for agent in self._agents if self._views.get(agent.unique_id) is not agent]:
            self.deregister_agent(agent)  # type: ignore[no-untyped-call]
        views = [self.view(int(row)) for row in self.members_of_roles()[1]]
        entrants = [view for view in views if view not in self._agents]
        for view in entrants:
            self.register_agent(view)  # type: ignore[no-untyped-call]
        if entrants:
            place: dict[mesa.Agent, int] = {view: number for number, view in enumerate(views)}
            self._all_agents.sort(place.__getitem__, ascending=True, inplace=True)

    def remove_all_agents(self) -> None:
        """Let all organisations leave."""
        self._sync_agents()
        super().remove_all_agents()  # type: ignore[no-untyped-call]

    @property  # type: ignore[misc]
    def agents(self) -> AgentSet:
        """All living organisations as Mesa agents, made on demand."""
        self._sync_agents()
        return super().agents

    @property
    def agents_by_type(self) -> dict[type[mesa.Agent], AgentSet]:
        """Living organisations by class: one class a role."""
        self._sync_agents()
        return {kind: members for kind, members in super().agents_by_type.items() if len(members)}

    @property
    def agent_types(self) -> list[type]:
        """The classes that have living members."""
        return list(self.agents_by_type)
