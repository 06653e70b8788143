"""The HTML of the Insights tab, made from what `Insights.report` says."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape

from annotate.charts.bar_charts import bars, on_line, parts
from annotate.versions.naming import UNTITLED, VersionTitles
from annotate.views.vote_insights import (
    AttributeEffectView,
    DifferencesView,
    ExamplePairView,
    InsightsView,
    LikesView,
    MeasuringView,
    PromptVotesView,
    ReasonView,
    VoteCountsView,
    WordView,
)
from annotate.web.html.habit_cards import habits_section
from annotate.web.html.ranking_cards import ranking_cards
from annotate.web.html.run_cards import notice_card
from annotate.wording import percent, pluralize, quantity

FEWEST_DAYS, MOST_DAYS = 14, 60
MOST_LIKES = 8
SHOWN_PROMPTS = 10
FEW_VOTES = (
    "No votes yet",
    "Give some in the Label tab. Pace and habits show from the first votes on, what you like from "
    "20 left or right votes on.",
)


def no_votes_card(elsewhere: int) -> str:
    """Return that a model has no votes yet, in a studio that has some on images of others."""
    kept = (
        f"{quantity(elsewhere, 'vote')} on images of other models are kept: open one of those "
        "models, in Settings, to see what they say."
    )
    return notice_card("No votes on this model's images yet", f"{kept} {FEW_VOTES[1]}")


def insights_page(report: InsightsView, titles: VersionTitles = UNTITLED) -> str:
    """Return the whole page of insights for the report of one person or of everybody."""
    if not report["votes"]:
        return notice_card(*FEW_VOTES)

    parts_shown = "".join(
        (
            measuring(report["measuring"]),
            section("Pace", pace_card(report)),
            section(liking_title(report["person"]), liking_card(report["likes"])),
            section("Disagreement with others", differs_card(report["differs"])),
            section("Versions", ranking_cards(report["boards"], report["person"], titles)),
            habits_section(report),
            section("Prompts", prompts_card(report)),
        )
    )
    return f'<div class="insights">{parts_shown}</div>'


def section(title: str, body: str) -> str:
    """Return a heading with its body; empty for an empty body."""
    return f'<h2 class="section">{escape(title)}</h2>{body}' if body else ""


def measuring(progress: MeasuringView) -> str:
    """Return a line on the progress of measuring images; empty once done."""
    if not progress["left"]:
        return ""
    done = progress["of"] - progress["left"]
    return (
        '<p class="soft measuring" role="status">'
        f"Measuring images: {done:,} of {progress['of']:,}. "
        "Preferences appear as they are measured.</p>"
    )


def pace_card(report: VoteCountsView) -> str:
    """Return the number of votes, the median time per pair, and charts over days and hours."""
    days = last_days(report["pace"]["per_day"])
    median = report["pace"]["median_ms"]
    facts = (
        (f"{report['votes']:,}", pluralize(report["votes"], "vote")),
        (f"{report['decisive']:,}", "left or right"),
        (seconds(median), "median per pair"),
    )
    cells = "".join(f"<div><b>{value}</b><span>{name}</span></div>" for value, name in facts)

    hours = [f"{hour}:00" for hour in range(24)]
    named = [day.strftime("%d %b") for day, _ in days]
    plots = bars("Votes per day", [votes for _, votes in days], named, "vote")
    plots += bars("By hour of the day", report["pace"]["per_hour"], hours, "vote")
    return (
        f'<div class="card insight"><div class="facts three">{cells}</div>'
        f'<div class="plots">{plots}</div></div>'
    )


def last_days(per_day: Mapping[str, int]) -> list[tuple[date, int]]:
    """Return the votes of the last days: 14 days at least, 60 at most."""
    counts = {date.fromisoformat(day): votes for day, votes in per_day.items()}
    newest = max(counts)
    length = min(MOST_DAYS, max(FEWEST_DAYS, (newest - min(counts)).days + 1))
    days = [newest - timedelta(days=back) for back in reversed(range(length))]
    return [(day, counts.get(day, 0)) for day in days]


def seconds(milliseconds: float | None) -> str:
    """Return milliseconds as seconds with a unit."""
    return "–" if milliseconds is None else f"{milliseconds / 1000:.1f} s"


def liking_title(person: str | None) -> str:
    """Return the title of the preferences of one person or of everybody."""
    return "What everybody likes" if person is None else f"What {person} likes"


def liking_card(likes: LikesView) -> str:
    """Return the attributes that chosen images have more of, each with example pairs."""
    strong = [attribute for attribute in likes["attributes"] if attribute["tells"]][:MOST_LIKES]
    why = f'<p class="soft">{escape(likes["why"])}</p>' if likes["why"] else ""
    rows = "".join(liked_row(attribute) for attribute in strong)

    rest = [
        attribute
        for attribute in likes["attributes"]
        if attribute not in strong and attribute["more"]["of"]
    ]
    return (
        f'<div class="card insight likes">{why}{rows}{others(rest)}'
        f'<p class="soft small">Of {likes["pairs"]:,} pairs with a left or right vote. With many '
        "numbers some differ by chance: of those shown, about one in twenty does. Bars are 95 % "
        "intervals.</p></div>"
    )


def liked_row(attribute: AttributeEffectView) -> str:
    """Return one attribute with its share, interval, effect and images."""
    value, low, high = share_and_interval(attribute)
    images = "".join(pair(example) for example in attribute["examples"])
    against = attribute["against"]
    images += pair(against, "a counterexample") if against else ""
    return (
        f'<article class="liked"><div><b>{escape(attribute["words"].capitalize())}</b>'
        f'<span class="soft">{percent(value)} of the time, {100 * low:.0f} to '
        f"{percent(high)}; effect {abs(attribute['effect']):.2f}</span>"
        f"{on_line(value, low, high, attribute['words'], 0.5)}</div>"
        f'<div class="examples">{images}</div></article>'
    )


def pair(example: ExamplePairView, note: str = "") -> str:
    """Return two images, the chosen one first and marked."""
    prompt = escape(example["prompt"], quote=True)
    chosen, other = (
        escape(url, quote=True) for url in (example["chosen_url"], example["other_url"])
    )
    caption = f'<figcaption class="soft">{escape(note)}</figcaption>' if note else ""
    return (
        f'<figure class="image-pair" title="{prompt}">'
        f'<img loading="lazy" class="chosen" src="{chosen}" alt="Chosen for: {prompt}">'
        f'<img loading="lazy" src="{other}" alt="Not chosen">{caption}</figure>'
    )


def others(rest: Sequence[AttributeEffectView]) -> str:
    """Return the attributes without a significant effect, folded."""
    if not rest:
        return ""
    rows = "".join(
        f'<div class="row"><span>{escape(attribute["words"])}</span>'
        f"{on_line(*share_and_interval(attribute), attribute['words'], 0.5)}"
        f"<span>{percent_of(attribute)}</span></div>"
        for attribute in rest
    )
    return f"<details><summary>Not significant</summary>{rows}</details>"


def share_and_interval(attribute: AttributeEffectView) -> tuple[float, float, float]:
    """Return the share and its interval for the direction that the attribute's words name."""
    more = attribute["more"]
    value, low, high = more["value"] or 0.0, more["low"], more["high"]
    return (value, low, high) if value >= 0.5 else (1 - value, 1 - high, 1 - low)


def percent_of(attribute: AttributeEffectView) -> str:
    """Return the share in percent for the direction that the attribute's words name."""
    return percent(share_and_interval(attribute)[0])


def differs_card(differs: DifferencesView | None) -> str:
    """Return the disagreement of one person with others; empty for everybody's report."""
    if differs is None:
        return ""
    if not differs["compared"]:
        return notice_card(
            "Nobody to compare with yet",
            "Once others have voted on the same pairs, the ones where most chose the other image "
            "appear here. To disagree is no mistake: tastes differ.",
        )

    head = (
        f"On {differs['different']} of {differs['compared']} pairs that others voted on too, most "
        "of them chose the other image. That is no mistake: tastes differ."
    )
    habits = "".join(
        f"<li>{escape(attribute['words'])}: {percent(attribute['mine'])} against "
        f"{percent(attribute['theirs'])} ({100 * attribute['low']:.0f} to "
        f"{100 * attribute['high']:.0f} points "
        "more)</li>"
        for attribute in differs["attributes"][:MOST_LIKES]
    )
    listed = f"<p>More often than the others:</p><ul>{habits}</ul>" if habits else ""

    image_pairs = "".join(
        pair(example, f"{example['against']} of {example['others']} chose the other")
        for example in differs["pairs"]
    )
    shown = f'<div class="examples">{image_pairs}</div>'
    return f'<div class="card insight"><p>{head}</p>{listed}{shown}</div>'


def prompts_card(report: VoteCountsView) -> str:
    """Return the votes by prompt, the reasons, and the words of prompts with an effect."""
    rows = [prompt_row(prompt) for prompt in report["prompts"]]
    more, rest = report["more_prompts"], "".join(rows[SHOWN_PROMPTS:])
    count = f'<p class="soft small">and {more:,} more</p>' if more else ""
    hidden = f"<details><summary>More prompts</summary>{rest}{count}</details>" if rest else ""
    return (
        f'<div class="card insight">{reasons_list(report["reasons"])}{words_list(report["words"])}'
        f'<p class="legend soft small"><i class="decided"></i>left or right '
        f'<i class="good"></i>both good <i class="tie"></i>tie '
        f'<i class="bad"></i>both bad <i class="skip"></i>skipped</p>'
        f"{''.join(rows[:SHOWN_PROMPTS])}{hidden}</div>"
    )


def prompt_row(prompt: PromptVotesView) -> str:
    """Return the votes on one prompt by verdict."""
    kinds = [
        ("decided", prompt["decisive"]),
        ("good", prompt["both_good"]),
        ("tie", prompt["tie"]),
        ("bad", prompt["both_bad"]),
        ("skip", prompt["skip"]),
    ]

    counts = ", ".join(f"{count} {kind}" for kind, count in kinds if count)
    name = escape(prompt["prompt"], quote=True)
    return (
        f'<div class="row"><span title="{name}">{name}</span>'
        f"{parts(kinds, counts)}"
        f"<span>{prompt['votes']} · {seconds(prompt['median_ms'])}</span></div>"
    )


def reasons_list(reasons: Sequence[ReasonView]) -> str:
    """Return how often each reason was given; empty without reasons."""
    if not reasons:
        return ""
    most = reasons[0]["votes"]
    return "<h3>Reasons</h3>" + "".join(reason_row(reason, most) for reason in reasons)


def reason_row(reason: ReasonView, most: int) -> str:
    """Return the count of one reason; unfolded, its prompts and example images."""
    share = parts(
        [("decided", reason["votes"]), ("skip", most - reason["votes"])], reason["reason"]
    )
    prompts = ", ".join(f"{escape(on['prompt'])} ({on['votes']})" for on in reason["prompts"])
    images = "".join(pair(example) for example in reason["examples"])
    return (
        '<details class="reason"><summary class="row">'
        f"<span>{escape(reason['reason'])}</span>{share}"
        f'<span>{reason["votes"]}</span></summary><p class="soft">Most often on {prompts}.</p>'
        f'<div class="examples">{images}</div></details>'
    )


def words_list(words: Sequence[WordView]) -> str:
    """Return the words of prompts whose images were called good or bad more often."""
    telling = [word for word in words if word["tells"]]
    if not telling:
        return ""
    chips = "".join(
        f'<span class="badge {"done" if (word["good"]["value"] or 0.0) > 0.5 else "failed"}">'
        f"{escape(word['word'])} {percent(word['good']['value'] or 0.0)} good</span>"
        for word in telling
    )
    return f'<h3>Words of prompts</h3><p class="chips">{chips}</p>'
