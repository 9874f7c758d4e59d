"""The verdict of an evaluation, in words."""

from __future__ import annotations

import attrs
import pytest

from autocakechat.display.evaluation_page import evaluation_page
from autocakechat.display.verdict import Finding, cautions, verdict
from autocakechat.evaluation.metric_registry import METRICS
from autocakechat.evaluation.results import Evaluation, ExampleReplies, Measurement, ModelResults
from tests.core.display.page_content import parse, rows, sections

SAME = {"most_frequent": 0.0}
RANKING = {"chance": 0.29, "most_frequent": 0.30, "rare_words": 0.38}
MODEL = ModelResults(
    measures={metric.key: Measurement(value=0.0, low=0.0, high=0.03, person=0.0, baselines=SAME) for metric in METRICS}
    | {
        "ranking.map": Measurement(value=0.42, low=0.39, high=0.45, baselines=RANKING),
        "relevance.map": Measurement(value=0.60, low=0.55, high=0.65, person=0.65, baselines={"random": 0.3}),
        "relevance.echo": Measurement(value=0.1, person=0.1),
        "style.two_sample_accuracy": Measurement(value=0.8, low=0.77, high=0.83, person=0.5),
        "style.commas": Measurement(value=0.20, low=0.17, high=0.23, person=0.25, baselines=SAME),
        "style.questions": Measurement(value=0.50, low=0.47, high=0.53, person=0.25, baselines=SAME),
        "style.emoji": Measurement(value=0.02, low=0.0, high=0.05, person=0.05, baselines=SAME),
        "length.words": Measurement(value=5.0, person=20.0),
        "variety.distinct_2": Measurement(value=0.45, person=0.90),
        "variety.different": Measurement(value=0.90, person=1.0),
        "variety.lexical_similarity": Measurement(value=0.8, person=0.9, baselines={"most_frequent": 0.1}),
    },
    notes=[],
)
EVALUATION = Evaluation(
    samples=300,
    available=383,
    candidates=10,
    seed=42,
    distinct_words=1000,
    most_frequent_answer="yes",
    models={"toy": MODEL},
    notes=[],
    examples=[],
)


def changed(**values: Measurement) -> ModelResults:
    """Returns the model with other values; `__` in a name is the dot of a key."""
    return attrs.evolve(
        MODEL, measures={**MODEL.measures, **{key.replace("__", "."): own for key, own in values.items()}}
    )


def findings(model: ModelResults) -> dict[str, Finding]:
    return {finding.question.removesuffix("?"): finding for finding in verdict(model)}


@pytest.mark.parametrize(
    ("precision", "level", "answer"),
    [
        (0.31, "poor", "No"),  # the interval contains chance, 0.29
        (0.33, "fair", "Hardly"),  # and the ranking by frequency, 0.30
        (0.34, "fair", "A little"),
        (0.41, "fair", "A little"),  # and the ranking by rare words, 0.38
        (0.42, "good", "Yes"),
    ],
)
def test_the_context_is_judged_by_the_interval(precision: float, level: str, answer: str) -> None:
    low, high = round(precision - 0.03, 2), precision + 0.03
    ranking = Measurement(value=precision, low=low, high=high, baselines=RANKING)
    context = findings(changed(ranking__map=ranking))["Does it follow the context"]
    assert (context.level, context.answer) == (level, answer)
    assert f"{precision:.2f}, 95 % interval {low:.2f} to {high:.2f}; chance 0.29" in str(context)


def test_without_a_ranking_the_context_is_not_judged() -> None:
    found = findings(changed(ranking__map=Measurement()))
    context = found["Does it follow the context"]
    assert str(context) == "Does it follow the context? Not measured. There was no ranking of true replies."
    one_dialog = findings(changed(ranking__map=Measurement(value=0.5, baselines=RANKING)))
    assert one_dialog["Does it follow the context"].level == "unknown"


@pytest.mark.parametrize(
    ("fit", "echo", "level", "answer"),
    [
        (0.34, 0.1, "poor", "No"),  # the interval contains random replies, 0.30
        (0.40, 0.1, "poor", "A little"),
        (0.50, 0.1, "fair", "Partly"),
        (0.60, 0.1, "good", "Yes"),  # of 0.65, the person's
        (0.90, 0.1, "good", "Yes"),
        (0.90, 0.9, "fair", "They repeat it"),
    ],
)
def test_relevance_is_judged_between_random_replies_and_the_person(
    fit: float, echo: float, level: str, answer: str
) -> None:
    own = Measurement(value=fit, low=fit - 0.05, high=fit + 0.05, person=0.65, baselines={"random": 0.3})
    model = changed(relevance__map=own, relevance__echo=Measurement(value=echo, person=0.1))
    found = findings(model)["Do its replies fit the context"]
    assert (found.level, found.answer) == (level, answer)


def test_the_style_counts_common_features_only() -> None:
    question = "Does it write like the person"
    style = findings(MODEL)[question]
    assert (style.level, style.answer) == ("fair", "Partly")
    assert "Of 2 common features of style, 1 are within 10 percentage points" in style.details
    assert "The largest differences: with a question mark 50 % (person 25 %)." in style.details
    assert "comma" not in style.details
    assert style.details.endswith("tells its replies from the person's in 80 % of the cases; 50 % is by chance.")
    alike = findings(changed(style__questions=Measurement(value=0.3, person=0.25, baselines=SAME)))[question]
    assert (alike.level, "differences" in alike.details) == ("good", False)
    unlike = findings(changed(style__commas=Measurement(value=0.9, person=0.25, baselines=SAME)))[question]
    assert unlike.level == "poor"


@pytest.mark.parametrize(
    ("bot", "level", "answer"),
    [(5.0, "poor", "Shorter"), (12.0, "fair", "Shorter"), (17.0, "good", "Yes"), (30.0, "fair", "Longer")],
)
def test_the_length_is_a_ratio(bot: float, level: str, answer: str) -> None:
    length = findings(changed(length__words=Measurement(value=bot, person=20.0)))["Are its replies as long"]
    assert (length.level, length.answer) == (level, answer)


@pytest.mark.parametrize(("bot", "level"), [(0.8, "good"), (0.5, "fair"), (0.3, "poor"), (None, "unknown")])
def test_the_variety_is_that_of_pairs_of_words(bot: float | None, level: str) -> None:
    model = changed(variety__distinct_2=Measurement(value=bot, person=0.9))
    assert findings(model)["Are its replies as varied"].level == level


@pytest.mark.parametrize(
    ("bot", "level", "answer"), [(0.2, "good", "No"), (0.4, "fair", "Partly"), (1.0, "poor", "Yes")]
)
def test_copying_is_compared_with_the_person(bot: float, level: str, answer: str) -> None:
    found = findings(changed(copying__verbatim=Measurement(value=bot, person=0.15)))["Does it only copy"]
    assert (found.level, found.answer) == (level, answer)


def test_each_baseline_is_beaten_or_not() -> None:
    question = "Is it better than the baselines"
    assert findings(MODEL)[question].level == "good"
    floor = Measurement(value=0.31, low=0.26, high=0.36, person=0.65, baselines={"random": 0.3})
    random = findings(changed(relevance__map=floor))[question]
    assert random.level == "fair"
    assert "not fit the context measurably better than random replies" in random.details
    same = Measurement(value=0.1, baselines={"most_frequent": 0.1})
    assert findings(changed(relevance__map=floor, variety__lexical_similarity=same))[question].level == "poor"
    assert "was not measured" in findings(changed(relevance__map=Measurement()))[question].details


def test_few_replies_and_notes_limit_the_verdict() -> None:
    assert cautions(EVALUATION) == []
    few = attrs.evolve(EVALUATION, samples=22, notes=["a note"])
    assert cautions(few)[0] == "a note"
    assert "only 22 replies" in cautions(few)[1]
    noted = attrs.evolve(MODEL, notes=["of one model"])
    assert cautions(attrs.evolve(EVALUATION, models={"toy": noted})) == ["of one model"]
    assert cautions(attrs.evolve(EVALUATION, models={"a": MODEL, "b": noted})) == ["b: of one model"]


def test_the_page_shows_who_is_evaluated_intervals_and_examples() -> None:
    example = ExampleReplies(["Hi!\nHow are you?", "Fine", "Good"], "<b>And you?</b>", {"toy": "yes\nyes"})
    about = ["Bob <i>", "trainer toy", None, "trained on 2024-05-01"]
    html = evaluation_page(attrs.evolve(EVALUATION, examples=[example]), about)
    content = dict(sections(html))
    line = next(element for element in content[""] if element.get("class") == "about")
    assert "".join(line.itertext()) == "Bob <i> · trainer toy · trained on 2024-05-01"
    styles = [row[0::2] + row[3:] for element in content["Does it write like the person?"] for row in rows(element)]
    # A feature that neither the bot nor the person uses has no row.
    assert styles == [
        ["", "bot", "person"],
        ["told apart from person", "80 ± 3 %", "50 %"],
        ["with a comma", "20 ± 3 %", "25 %"],
        ["with a question mark", "50 ± 3 %", "25 %"],
        ["with emoji", "2 ± 2 %", "5 %"],
    ]
    turns = [(turn.get("class"), "".join(turn.itertext())) for turn in parse(html).iter("p") if turn.get("dir")]
    assert turns == [
        ("client", "Hi!\nHow are you?"),
        ("server", "Fine"),
        ("client", "Good"),
        ("server person", "person<b>And you?</b>"),
        ("server bot", "botyes\nyes"),
    ]


def test_the_page_of_several_models_names_them() -> None:
    example = ExampleReplies(["Hi!"], "Ho!", {"a": "one", "b <i>": "two"})
    both = attrs.evolve(EVALUATION, models={"a": MODEL, "b <i>": MODEL}, examples=[example])
    html = evaluation_page(both, [])
    content = dict(sections(html))
    assert {"a", "b <i>"} <= set(content)
    recognised = [row[0] for element in content["Does it recognise the true reply?"] for row in rows(element)]
    assert recognised[1:3] == ["mean average precision: a", "mean average precision: b <i>"]
    assert next(row[:4] for element in content["Length"] for row in rows(element)) == ["", "a", "b <i>", "person"]
    turns = [(turn.get("class"), "".join(turn.itertext())) for turn in parse(html).iter("p") if turn.get("dir")]
    assert turns[1:] == [("server person", "personHo!"), ("server bot", "aone"), ("server bot", "b <i>two")]
