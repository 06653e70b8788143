"""The HTML of how people vote: their sides, the same twice, agreement, weights, exclusions."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from annotate.web.html.bar_charts import on_line
from annotate.wording import quantity

Told = dict[str, Any]
MOST_PEOPLE = 30


def habits_section(told: Told) -> str:
    """Return how everybody votes, or the one person."""
    cards = "".join(
        person_card(name, habit, told) for name, habit in list(told["habits"].items())[:MOST_PEOPLE]
    )
    return (
        f'<h2 class="section">How votes are given</h2>{agreement_card(told)}'
        f'<div class="labelers">{cards}</div>{exclusions_card(told["exclusions"])}'
    )


def own_habits(told: Told) -> str:
    """Return a person's habits by their own votes alone."""
    alone: Told = {"reliability": {}, "weights": {}}
    return "".join(person_card(name, habit, alone) for name, habit in told["habits"].items())


def agreement_card(told: Told) -> str:
    """Return whether people agree beyond chance, and why that cannot be said."""
    found = told["agreement"]
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
    """Say what an alpha means for matters of taste."""
    if alpha < 0.1:
        return "People agree hardly more than by chance: tastes differ, or the pairs are close."
    if alpha < 0.4:
        return "People agree somewhat, as is common in matters of taste."
    return "People agree well."


def person_card(name: str, habit: Told, told: Mapping[str, Any]) -> str:
    """Return one person's habits, each as a share with its interval and a plain sentence."""
    rows = [row("Left image", habit["left"], 0.5, side_sentence(habit))]
    rows.append(row("Same choice twice", habit["same_twice"], 0.5, twice_sentence(habit)))
    if habit["known"]["of"]:
        rows.append(row("Known answers", habit["known"], 0.5, ""))
    if reliable := told["reliability"].get(name):
        share = {"value": reliable["accuracy"], "low": reliable["low"], "high": reliable["high"]}
        said = f"by {quantity(reliable['shared'], 'vote')} that others gave too"
        rows.append(row("As most see it", share, 0.5, said))
    return (
        f'<article class="card insight person"><div class="run-head"><b><bdi>{escape(name)}</bdi>'
        f'</b><span class="soft">{quantity(habit["votes"], "vote")}</span>'
        f"{weight_of(name, told)}</div>{''.join(rows)}{weight_reason(name, told)}</article>"
    )


def row(title: str, share: Told, middle: float, sentence: str) -> str:
    """Return one habit."""
    if share["value"] is None:
        plot, value = "<span></span>", "–"
    else:
        plot = on_line(share["value"], share["low"], share["high"], title, middle)
        value = f"{100 * share['value']:.0f} %"
    return (
        f'<div class="row"><span>{escape(title)}</span>{plot}<span>{value}</span></div>'
        f'<p class="soft small">{escape(sentence)}</p>'
    )


def side_sentence(habit: Told) -> str:
    """Say whether somebody leans to a side, without blame."""
    if habit["leaning"]:
        return (
            f"Leans to the {habit['leaning']}, by the first {habit['looked_at']} left or right "
            "votes. Sides are shuffled, so the model learns nothing wrong; a look at both first "
            "saves votes."
        )
    if not habit["looked_at"]:
        return "Leanings are looked for from 25 left or right votes on."
    return f"No leaning in the first {habit['looked_at']} left or right votes."


def twice_sentence(habit: Told) -> str:
    """Say what pairs shown again say."""
    same = habit["same_twice"]
    ties = habit["tie_once"]
    if not same["of"]:
        return "Now and then a pair comes again with its sides swapped; none was decided twice yet."
    told = f"{same['count']} of {same['of']} pairs that came again with sides swapped"
    turned = [
        f"{habit[side + '_twice']} with the {side} side both times"
        for side in ("left", "right")
        if habit[side + "_twice"]
    ]
    told += f"; {', '.join(turned)}" if turned else ""
    return told + (f"; {ties} became or stopped being a tie" if ties else "") + "."


def weight_of(name: str, told: Mapping[str, Any]) -> str:
    """Return how much somebody's votes count where that is not in full."""
    weight = told["weights"].get(name)
    if not weight or weight["weight"] == 1:
        return ""
    return f'<span class="badge">counts {weight["weight"]:.2f}</span>'


def weight_reason(name: str, told: Mapping[str, Any]) -> str:
    """Return why somebody's votes do not count in full."""
    weight = told["weights"].get(name)
    if not weight or weight["weight"] == 1:
        return ""
    return f'<p class="soft small">Why it counts less: {escape(weight["reason"])}</p>'


def exclusions_card(exclusions: Sequence[Told]) -> str:
    """Return what is not learned from and why; nothing without any."""
    if not exclusions:
        return ""
    rows = "".join(
        f"<tr><td>{one['exclusion']}</td>"
        f"<td>{escape(one['person'] or 'vote ' + str(one['vote']))}</td>"
        f"<td>{escape(one['reason'])}</td><td>{escape(one['who'])}</td>"
        f"<td>{'lifted' if one['lifted'] else 'left out'}</td></tr>"
        for one in exclusions
    )
    head = "<th>No.</th><th>Whose</th><th>Reason</th><th>By</th><th>Now</th>"
    return (
        f'<div class="card table"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
