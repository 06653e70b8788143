"""The HTML of versions ranked by the votes of blind tests."""

from collections.abc import Sequence
from html import escape

from annotate.charts.bar_charts import on_line
from annotate.versions.naming import UNTITLED, VersionTitles
from annotate.views.vote_insights import LeaderboardView
from annotate.web.html.run_cards import notice_card
from annotate.web.html.version_thumbnails import thumbnails
from annotate.wording import percent

NO_RANKING = notice_card(
    "No ranking yet",
    "Votes of blind tests rank the versions here. Start one in the Judge tab once a "
    "fine-tune has made a version.",
)


def ranking_cards(
    boards: Sequence[LeaderboardView], person: str | None, titles: VersionTitles = UNTITLED
) -> str:
    """Return every ranking; a person without votes in blind tests has none."""
    if boards:
        return "".join(ranking_card(board, titles) for board in boards)
    return NO_RANKING if person is None else ""


def ranking_card(board: LeaderboardView, titles: VersionTitles = UNTITLED) -> str:
    """Return versions by win rate, in groups that the votes cannot distinguish yet."""
    places, rows, group = board["places"], "", 0
    for place in places:
        if place["group"] != group:
            group = place["group"]
            tied = sum(other["group"] == group for other in places) > 1
            rows += f'<p class="group soft">{"Not distinguishable yet" if tied else "Distinct"}</p>'
        title = titles.of(place["version"])
        rows += (
            f'<div class="row"><span title="{escape(title, quote=True)}">'
            f"{thumbnails(titles.images(place['version']), 2)}<b>{escape(title)}</b></span>"
            f"{on_line(place['rate'], place['low'], place['high'], title, 0.5)}"
            f"<span>{percent(place['rate'])}</span></div>"
        )

    why = f" {escape(board['why'])}" if board["why"] else ""
    votes = sum(place["votes"] for place in places) // 2
    return (
        f'<div class="card insight board">{rows}<p class="soft small">Win rate against the '
        f"average version, by {votes:,} votes of blind tests on {board['prompts']} prompts; "
        f"bars are 95 % intervals over prompts.{why}</p></div>"
    )
