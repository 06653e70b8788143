"""The HTML of voting habits: side bias, consistency, agreement, weights and exclusions."""

from collections.abc import Sequence
from html import escape

from annotate.charts.bar_charts import on_line
from annotate.views.vote_insights import InsightsView, OwnVoteReport
from annotate.views.voting_habits import (
    AgreementView,
    ExclusionView,
    HabitView,
    ProportionView,
    ReliabilityView,
    WeightView,
)
from annotate.wording import percent, quantity

MOST_PEOPLE = 30
"""Cards on one page; the dropdown shows anybody else."""


def habits_section(report: InsightsView) -> str:
    """Return the habits of everybody, or of one person."""
    reliability, weights = report["reliability"], report["weights"]
    cards = "".join(
        person_card(name, habit, reliability.get(name), weights.get(name))
        for name, habit in list(report["habits"].items())[:MOST_PEOPLE]
    )
    return (
        f'<h2 class="section">Voting habits</h2>{agreement_card(report["agreement"])}'
        f'<div class="labelers">{cards}</div>{exclusions_card(report["exclusions"])}'
    )


def own_habits(report: OwnVoteReport) -> str:
    """Return a person's habits, computed from their own votes alone."""
    return "".join(person_card(name, habit) for name, habit in report["habits"].items())


def agreement_card(found: AgreementView) -> str:
    """Return Krippendorff's alpha with its interval, or why it cannot be computed."""
    if found["alpha"] is None:
        why = escape(found["why"])
        return f'<div class="card insight"><b>Agreement</b><p class="soft">{why}</p></div>'

    between = ""
    if found["low"] is not None:
        between = f", 95 % interval {found['low']:.2f} to {found['high']:.2f}"
    return (
        f'<div class="card insight"><div class="figure"><b>{found["alpha"]:.2f}</b><span>'
        f'{in_words(found["alpha"])}<br><small class="soft">Krippendorff\'s alpha{between}; '
        f"{found['pairs']:,} pairs with votes of several of {found['people']} people; 0 is chance, "
        f"1 is complete. {escape(found['why'])}</small></span></div></div>"
    )


def in_words(alpha: float) -> str:
    """Return an alpha in words."""
    # Krippendorff asks for 0.8 where there is a right answer; taste has none.
    if alpha < 0.1:
        return "People agree hardly more than by chance: tastes differ, or the pairs are close."
    if alpha < 0.4:
        return "People agree somewhat, as is common in matters of taste."
    return "People agree well."


def person_card(
    name: str,
    habit: HabitView,
    reliable: ReliabilityView | None = None,
    weight: WeightView | None = None,
) -> str:
    """Return one person's habits, each a share with its interval and a sentence."""
    rows = [share_row("Left image", habit["left"], side_sentence(habit))]
    rows.append(share_row("Same answer twice", habit["same_twice"], twice_sentence(habit)))

    if habit["known"]["of"]:
        rows.append(share_row("Gold pairs", habit["known"], ""))
    if reliable:
        said = f"by {quantity(reliable['shared'], 'vote')} that others gave too"
        interval = (reliable["accuracy"], reliable["low"], reliable["high"])
        rows.append(row("Agrees with others", *interval, said))

    return (
        f'<article class="card insight person"><div class="run-head"><b><bdi>{escape(name)}</bdi>'
        f'</b><span class="soft">{quantity(habit["votes"], "vote")}</span>'
        f"{weight_badge(weight)}</div>{''.join(rows)}{weight_reason(weight)}</article>"
    )


def share_row(title: str, share: ProportionView, sentence: str) -> str:
    """Return one habit as a row, from its proportion."""
    return row(title, share["value"], share["low"], share["high"], sentence)


def row(title: str, value: float | None, low: float, high: float, sentence: str) -> str:
    """Return one habit as a row: a share with its interval, and a line at one half."""
    plot, said = "<span></span>", "–"
    if value is not None:
        plot, said = on_line(value, low, high, title, 0.5), percent(value)
    return (
        f'<div class="row"><span>{escape(title)}</span>{plot}<span>{said}</span></div>'
        f'<p class="soft small">{escape(sentence)}</p>'
    )


def side_sentence(habit: HabitView) -> str:
    """Return a sentence on side bias, without blame."""
    if habit["leaning"]:
        return (
            f"Leans to the {habit['leaning']}, by the first {habit['looked_at']} left or right "
            "votes. Sides are shuffled, so this does not bias the model, but looking at both "
            "images first makes votes more useful."
        )
    if not habit["looked_at"]:
        return "Side bias is measured from 25 left or right votes on."
    return f"No side bias in the first {habit['looked_at']} left or right votes."


def twice_sentence(habit: HabitView) -> str:
    """Return a sentence on the answers to repeated pairs."""
    same = habit["same_twice"]
    ties = habit["tie_once"]
    if not same["of"]:
        return "Some pairs are repeated with their sides swapped; none was decided twice yet."

    sentence = f"{same['count']} of {same['of']} repeated pairs with sides swapped"
    turned = [
        f"{count} with the {side} side both times"
        for side, count in (("left", habit["left_twice"]), ("right", habit["right_twice"]))
        if count
    ]
    sentence += f"; {', '.join(turned)}" if turned else ""
    return sentence + (f"; {ties} became or stopped being a tie" if ties else "") + "."


def weight_badge(weight: WeightView | None) -> str:
    """Return a badge with the weight of a person's votes; empty for a weight of 1."""
    if not weight or weight["weight"] == 1:
        return ""
    return f'<span class="badge">weight {weight["weight"]:.2f}</span>'


def weight_reason(weight: WeightView | None) -> str:
    """Return the reason for a weight; empty for a weight of 1."""
    if not weight or weight["weight"] == 1:
        return ""
    return f'<p class="soft small">Reason for the weight: {escape(weight["reason"])}</p>'


def exclusions_card(exclusions: Sequence[ExclusionView]) -> str:
    """Return a table of exclusions; empty without any."""
    if not exclusions:
        return ""

    rows = "".join(
        f"<tr><td>{exclusion['exclusion']}</td>"
        f"<td>{escape(exclusion['person'] or 'vote ' + str(exclusion['vote']))}</td>"
        f"<td>{escape(exclusion['reason'])}</td><td>{escape(exclusion['who'])}</td>"
        f"<td>{'lifted' if exclusion['lifted'] else 'left out'}</td></tr>"
        for exclusion in exclusions
    )
    head = "<th>No.</th><th>Whose</th><th>Reason</th><th>By</th><th>Now</th>"

    return (
        f'<div class="card table"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
