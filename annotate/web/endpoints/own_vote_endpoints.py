"""Endpoints of one's own votes: a list of them, and changes."""

from annotate.service.studio import Studio
from annotate.views.own_votes import ChangedVote, OwnVotesList


class OwnVoteEndpoints:
    """The endpoints as methods: what their names, parameters and docstrings say is public."""

    _studio: Studio

    def own_votes_list(
        self, annotator: str, before: int = 0, verdict: str = "", prompt: str = ""
    ) -> OwnVotesList:
        """Return a person's own votes, 24 from the newest or `before` on, by verdict and prompt."""
        return self._studio.own_votes_list(annotator, before, verdict, prompt)

    def change_vote(self, vote_key: str, verdict: str, annotator: str, key: str) -> ChangedVote:
        """Give the annotator's vote under `vote_key` another verdict; "" takes it back."""
        return self._studio.change_vote(annotator, vote_key, verdict, key)
