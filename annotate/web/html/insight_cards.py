"""The HTML of the Insights tab, made from what `Insights.report` says."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape
from typing import Any

from annotate.web.html.bar_charts import bars, on_line, parts
from annotate.web.html.habit_cards import habits_section
from annotate.web.html.run_cards import notice_card
from annotate.wording import pluralize

Told = dict[str, Any]
FEWEST_DAYS, MOST_DAYS = 14, 60
MOST_LIKES = 8
SHOWN_PROMPTS = 10
FEW_VOTES = (
    "No votes yet",
    "Give some in the Label tab. Pace and habits show from the first votes on, what you like from "
    "20 left or right votes on.",
)


def insights_page(told: Told) -> str:
    """Return everything there is to see; `told` is one person's or everybody's report."""
    if not told["votes"]:
        return notice_card(*FEW_VOTES)
    parts_shown = "".join(
        (
            measuring(told["measuring"]),
            section("Pace", pace_card(told)),
            section(liking_title(told), liking_card(told["likes"])),
            section("Different from the others", differs_card(told["differs"])),
            section("Versions", boards_cards(told)),
            habits_section(told),
            section("Prompts", prompts_card(told)),
        )
    )
    return f'<div class="insights">{parts_shown}</div>'


def section(title: str, body: str) -> str:
    """Return a heading with what stands below it; nothing for nothing."""
    return f'<h2 class="section">{escape(title)}</h2>{body}' if body else ""


def measuring(left: Told) -> str:
    """Return a line while images are still measured."""
    if not left["left"]:
        return ""
    done = left["of"] - left["left"]
    return (
        f'<p class="soft measuring" role="status">Looking at images: {done:,} of {left["of"]:,}. '
        "What you like fills in by itself.</p>"
    )


def pace_card(told: Told) -> str:
    """Return how many votes there are and when they were given."""
    days = last_days(told["pace"]["per_day"])
    median = told["pace"]["median_ms"]
    facts = (
        (f"{told['votes']:,}", pluralize(told["votes"], "vote")),
        (f"{told['decisive']:,}", "left or right"),
        (seconds(median), "for a pair, in the middle"),
    )
    cells = "".join(f"<div><b>{value}</b><span>{name}</span></div>" for value, name in facts)
    hours = [f"{hour}:00" for hour in range(24)]
    named = [day.strftime("%d %b") for day, _ in days]
    plots = bars("Votes a day", [votes for _, votes in days], named, "vote")
    plots += bars("By hour of the day", told["pace"]["per_hour"], hours, "vote")
    return (
        f'<div class="card insight"><div class="facts three">{cells}</div>'
        f'<div class="plots">{plots}</div></div>'
    )


def last_days(per_day: Mapping[str, int]) -> list[tuple[date, int]]:
    """Return the newest days with their votes, two weeks of them at least."""
    counts = {date.fromisoformat(day): votes for day, votes in per_day.items()}
    newest = max(counts)
    length = min(MOST_DAYS, max(FEWEST_DAYS, (newest - min(counts)).days + 1))
    days = [newest - timedelta(days=back) for back in reversed(range(length))]
    return [(day, counts.get(day, 0)) for day in days]


def seconds(milliseconds: float | None) -> str:
    """Return a time in words."""
    return "–" if milliseconds is None else f"{milliseconds / 1000:.1f} s"


def percent(share: Told) -> str:
    """Return a share in words."""
    return "–" if share["value"] is None else f"{100 * share['value']:.0f} %"


def liking_title(told: Told) -> str:
    """Return whose taste it is."""
    return "What everybody likes" if told["person"] is None else f"What {told['person']} likes"


def liking_card(likes: Told) -> str:
    """Return what stands out in the chosen images, each with example pairs."""
    strong = [one for one in likes["attributes"] if one["tells"]][:MOST_LIKES]
    why = f'<p class="soft">{escape(likes["why"])}</p>' if likes["why"] else ""
    rows = "".join(liked_row(one) for one in strong)
    rest = [one for one in likes["attributes"] if one not in strong and one["more"]["of"]]
    return (
        f'<div class="card insight likes">{why}{rows}{others(rest)}'
        f'<p class="soft small">Of {likes["pairs"]:,} pairs with a left or right vote. With many '
        "numbers some differ by chance: of those shown, about one in twenty does. Bars are 95 % "
        "intervals.</p></div>"
    )


def liked_row(one: Told) -> str:
    """Return one attribute with its share, interval, effect and images."""
    value, low, high = ends(one)
    images = "".join(pair(example) for example in one["examples"])
    against = one["against"]
    images += pair(against, "once the other way") if against else ""
    return (
        f'<article class="liked"><div><b>{escape(one["words"].capitalize())}</b>'
        f'<span class="soft">{100 * value:.0f} % of the time, {100 * low:.0f} to '
        f"{100 * high:.0f} %; effect {abs(one['effect']):.2f}</span>"
        f"{on_line(value, low, high, one['words'], 0.5)}</div>"
        f'<div class="examples">{images}</div></article>'
    )


def pair(example: Told, note: str = "") -> str:
    """Return two images, the chosen one first and marked."""
    prompt = escape(example["prompt"], quote=True)
    chosen, other = (escape(example[name], quote=True) for name in ("chosen_url", "other_url"))
    caption = f'<figcaption class="soft">{escape(note)}</figcaption>' if note else ""
    return (
        f'<figure class="image-pair" title="{prompt}">'
        f'<img loading="lazy" class="chosen" src="{chosen}" alt="Chosen for: {prompt}">'
        f'<img loading="lazy" src="{other}" alt="Not chosen">{caption}</figure>'
    )


def others(rest: Sequence[Told]) -> str:
    """Return the attributes that do not stand out, folded away."""
    if not rest:
        return ""
    rows = "".join(
        f'<div class="row"><span>{escape(one["words"])}</span>'
        f"{on_line(*ends(one), one['words'], 0.5)}<span>{percent_of(one)}</span></div>"
        for one in rest
    )
    return f"<details><summary>What does not stand out</summary>{rows}</details>"


def ends(one: Told) -> tuple[float, float, float]:
    """Return a share and its interval in the direction that its words name."""
    more = one["more"]
    value, low, high = more["value"] or 0.0, more["low"], more["high"]
    return (value, low, high) if value >= 0.5 else (1 - value, 1 - high, 1 - low)


def percent_of(one: Told) -> str:
    """Return a share in the direction that its words name."""
    return f"{100 * ends(one)[0]:.0f} %"


def differs_card(differs: Told | None) -> str:
    """Return where one person chooses otherwise than most; nothing for everybody's report."""
    if differs is None:
        return ""
    if not differs["compared"]:
        return notice_card(
            "Nobody to compare with yet",
            "Once others have voted on the same pairs, the ones where most chose the other image "
            "are here. To differ is no fault: it is a taste.",
        )
    head = (
        f"On {differs['different']} of {differs['compared']} pairs that others voted on too, most "
        "of them chose the other image. That is no fault: it is a taste."
    )
    habits = "".join(
        f"<li>{escape(one['words'])}: {100 * one['mine']:.0f} % against "
        f"{100 * one['theirs']:.0f} % ({100 * one['low']:.0f} to {100 * one['high']:.0f} points "
        "more)</li>"
        for one in differs["attributes"][:MOST_LIKES]
    )
    listed = f"<p>More often than the others:</p><ul>{habits}</ul>" if habits else ""
    image_pairs = "".join(
        pair(one, f"{one['against']} of {one['others']} took the other") for one in differs["pairs"]
    )
    shown = f'<div class="examples">{image_pairs}</div>'
    return f'<div class="card insight"><p>{head}</p>{listed}{shown}</div>'


NO_BOARD = notice_card(
    "No board yet",
    "Votes of blind tests rank the versions here. Start one in the Verdict tab once a fine-tune "
    "has made a version.",
)


def boards_cards(told: Told) -> str:
    """Return every board; one person without votes in blind tests has none."""
    if told["boards"]:
        return "".join(map(board_card, told["boards"]))
    return NO_BOARD if told["person"] is None else ""


def board_card(board: Told) -> str:
    """Return versions by how often they win, in groups that votes cannot tell apart yet."""
    places, rows, group = board["places"], "", 0
    for place in places:
        if place["group"] != group:
            group = place["group"]
            tied = sum(other["group"] == group for other in places) > 1
            rows += f'<p class="group soft">{"Not separable yet" if tied else "Settled"}</p>'
        rows += (
            f'<div class="row"><span><b>{escape(place["version"])}</b></span>'
            f"{on_line(place['rate'], place['low'], place['high'], place['version'], 0.5)}"
            f"<span>{100 * place['rate']:.0f} %</span></div>"
        )
    why = f" {escape(board['why'])}" if board["why"] else ""
    votes = sum(place["votes"] for place in places) // 2
    return (
        f'<div class="card insight board">{rows}<p class="soft small">Chance to win against the '
        f"middle of the board, by {votes:,} votes of blind tests on {board['prompts']} prompts; "
        f"bars are 95 % intervals over prompts.{why}</p></div>"
    )


def prompts_card(told: Told) -> str:
    """Return the votes by prompt, what words of prompts go with, and the reasons given."""
    rows = [prompt_row(one) for one in told["prompts"]]
    more, rest = told["more_prompts"], "".join(rows[SHOWN_PROMPTS:])
    count = f'<p class="soft small">and {more:,} more</p>' if more else ""
    hidden = f"<details><summary>More prompts</summary>{rest}{count}</details>" if rest else ""
    return (
        f'<div class="card insight">{reasons_list(told["reasons"])}{words_list(told["words"])}'
        f'<p class="legend soft small"><i class="decided"></i>left or right '
        f'<i class="good"></i>both good <i class="tie"></i>tie '
        f'<i class="bad"></i>both bad <i class="skip"></i>skipped</p>'
        f"{''.join(rows[:SHOWN_PROMPTS])}{hidden}</div>"
    )


def prompt_row(one: Mapping[str, Any]) -> str:
    """Return how the votes on a prompt went."""
    kinds = (("decided", "decisive"), ("good", "both_good"), ("tie", "tie"),
             ("bad", "both_bad"), ("skip", "skip"))  # fmt: skip
    told = ", ".join(f"{one[name]} {kind}" for kind, name in kinds if one[name])
    name = escape(one["prompt"], quote=True)
    return (
        f'<div class="row"><span title="{name}">{name}</span>'
        f"{parts([(kind, one[name]) for kind, name in kinds], told)}"
        f"<span>{one['votes']} · {seconds(one['median_ms'])}</span></div>"
    )


def reasons_list(reasons: Sequence[Told]) -> str:
    """Return why the losers lost; nothing without reasons."""
    if not reasons:
        return ""
    most = reasons[0]["votes"]
    return "<h3>Why the loser lost</h3>" + "".join(reason_row(one, most) for one in reasons)


def reason_row(one: Told, most: int) -> str:
    """Return how often a reason was given; unfolded, on which prompts and for which images."""
    share = parts([("decided", one["votes"]), ("skip", most - one["votes"])], one["reason"])
    prompts = ", ".join(f"{escape(on['prompt'])} ({on['votes']})" for on in one["prompts"])
    images = "".join(pair(example) for example in one["examples"])
    return (
        f'<details class="reason"><summary class="row"><span>{escape(one["reason"])}</span>{share}'
        f'<span>{one["votes"]}</span></summary><p class="soft">Most often on {prompts}.</p>'
        f'<div class="examples">{images}</div></details>'
    )


def words_list(words: Sequence[Told]) -> str:
    """Return the words of prompts whose images were called good, or bad, more often."""
    telling = [one for one in words if one["tells"]]
    if not telling:
        return ""
    chips = "".join(
        f'<span class="badge {"done" if one["good"]["value"] > 0.5 else "failed"}">'
        f"{escape(one['word'])} {percent(one['good'])} good</span>"
        for one in telling
    )
    return f'<h3>Words of prompts</h3><p class="chips">{chips}</p>'
