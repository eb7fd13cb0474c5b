"""The verdicts of an audit: each has its own word, and one place that says what it means."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A verdict: what it means, how it is coloured, and whether it is a finding or to be known only."""

    name: str
    means: str
    finding: bool
    colour: str


FINE, NOTED, FOUND, RESTING = "#2e7d32", "#8a6d00", "#b3261e", "#c65d00"

WORDS = {
    word.name: word
    for word in [
        Word(
            "intact",
            "bytes match a complete record, and so do those of all ancestors that are there",
            False,
            FINE,
        ),
        Word("altered", "a recorded path, with bytes that none of its records has", True, FOUND),
        Word("replayed", "bytes of a record that a later one superseded", True, FOUND),
        Word("unrecorded", "no record for this path", True, FOUND),
        Word(
            "broken",
            "a record that it needs is absent, unreadable, forged, or not its name's digest",
            True,
            FOUND,
        ),
        Word("missing", "recorded, and not there", True, FOUND),
        Word("unfinished", "begun and never ended", True, FOUND),
        Word(
            "stale", "the checkout would make it from what is named, or an input was made again", True, FOUND
        ),
        Word("mixed", "two ancestors used different versions of one module or lock", True, FOUND),
        Word("dirty", "its sources are not the commit's", True, FOUND),
        Word("rests on", "intact itself, but the named ancestor is not", True, RESTING),
        Word("accepted", "stale, and someone said why it stands (hallmarks accept)", False, NOTED),
        Word(
            "discarded", "not there: a record says that it was removed, and what was made of it", False, NOTED
        ),
        Word("referenced", "not in this crate, which refers to it by its digest", False, NOTED),
        Word("unchecked", "not hashed (--quick): only its size was compared", False, NOTED),
        Word("unknown", "no checkout to compare with: whether it is stale nobody can say", False, NOTED),
    ]
}
# The first of these that a result is said to be is its verdict; the others are said beside it.
ORDER = list(WORDS)[1:] + ["intact"]


def worst(words: set[str]) -> str:
    """The verdict among several; intact where there is none."""
    return next((word for word in ORDER if word in words), "intact")


def legend() -> str:
    """Each word and what it means, for `--help`."""
    width = max(map(len, WORDS))
    return "\n".join(
        f"  {word.name:{width}}  {word.means}{'' if word.finding or word.name == 'intact' else ' (a note)'}"
        for word in WORDS.values()
    )
