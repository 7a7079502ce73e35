"""Makes `words.xz` out of WordNet's files and `choices.txt`.

    python -m sml_agents.text.thesaurus.build /usr/share/wordnet

The folder is that of WordNet 3.0 (Fellbaum, 1998), in Debian the package `wordnet-base`: `index.*`, `data.*` and
`cntlist.rev`. Kept are English nouns and adjectives of one or two words that are no names. `choices.txt` adds what
people call the choices that everyday tools offer (`ramen` for Japanese): written by a large language model to a brief,
without sight of anything that is measured. A line of the result is a word, the words for what it is, and the words of
its definition, each part after a tab:

    concert	event performance show ...	music players singers
"""

from __future__ import annotations

import lzma
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from sml_agents.text.thesaurus import WORDS, forms_of, joined
from sml_agents.text.words import content_words

SENSES = 3
"""Of a word, the most frequent ones: others are seldom meant."""
SHARE = 0.2
"""A sense counts if it is at least so frequent as this part of the first."""
GENERAL = 2
"""What is fewer steps from the root than this (`entity`, `abstraction`) says nothing."""
COMMON = 1000
"""A word in more definitions than this (`single`, `small`) tells nothing about what is defined."""
_POS = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
_KEY_POS = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
_KEPT = ("noun", "adj")
_LEFT_OUT = {"05", "15", "20"}
"""WordNet's files of animals, places and plants, most of them names."""
_WORD = re.compile(r"[a-z0-9'.]+(?:[_-][a-z0-9'.]+)?")
CHOICES = WORDS.with_name("choices.txt")
_DENIED = re.compile(r"\b(?:not|without|other than|rather than)\b.*")
_SAME, _KIND, _DOMAIN = {"+", "\\", "&"}, "@", ";c"


@dataclass(frozen=True)
class Synset:
    """A meaning: its words, what it points to, and its definition."""

    file: str
    words: tuple[str, ...]
    pointers: tuple[tuple[str, tuple[str, str]], ...]
    definition: str


class WordNet:
    """The files of one folder."""

    def __init__(self, folder: Path) -> None:
        self.synsets = {(pos, at): one for pos in _KEPT for at, one in _synsets(folder / f"data.{pos}")}
        self.index = {pos: dict(_index(folder / f"index.{pos}")) for pos in _POS.values()}
        self.counts = dict(_counts(folder / "cntlist.rev"))
        self.depth = cache(self._depth)

    def meant(self, word: str) -> list[tuple[str, str]]:
        """What a word mostly means as a noun or an adjective, the most frequent first; nothing where it mostly is
        something else."""
        found = [
            (-self.counts.get((word, pos, number), 0), number, rank, (pos, at))
            for rank, pos in enumerate(("noun", "adj", "verb", "adv"))
            for number, at in enumerate(self.index[pos].get(word, ()), start=1)
        ]
        found.sort()
        least = SHARE * found[0][0]
        return [key for count, _, _, key in found if key[0] in _KEPT and count <= least][:SENSES]

    def is_name(self, key: tuple[str, str]) -> bool:
        one = self.synsets[key]
        return one.file in _LEFT_OUT or any(symbol == "@i" for symbol, _ in one.pointers)

    def adjectives_of_names(self) -> dict[str, set[str]]:
        """`chinese` of `china`: for definitions that name the place."""
        found: dict[str, set[str]] = {}
        for key, one in self.synsets.items():
            of = [to for symbol, to in one.pointers if symbol == "\\" and to[0] == "noun" and self.is_name(to)]
            for name in (word.lower() for to in of for word in self.synsets[to].words):
                found.setdefault(name, set()).update(word.lower() for word in one.words if key[0] == "adj")
        return found

    def _depth(self, key: tuple[str, str]) -> int:
        up = [to for symbol, to in self.synsets[key].pointers if symbol in ("@", "@i")]
        return 1 + min(map(self.depth, up)) if up else 0

    def is_a(self, key: tuple[str, str]) -> Iterator[tuple[str, str]]:
        """What a meaning is: itself, the same as another part of speech, its field, and what it is a kind of."""
        yield key
        for symbol, to in self.synsets[key].pointers:
            if to in self.synsets and (symbol in _SAME or symbol == _DOMAIN):
                yield to
        layer = {key}
        while layer:
            layer = {
                to for one in layer for symbol, to in self.synsets[one].pointers if symbol == _KIND and to[0] == "noun"
            }
            yield from (one for one in layer if self.depth(one) >= GENERAL)


def _synsets(path: Path) -> Iterator[tuple[str, Synset]]:
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith(" "):
            continue
        head, _, gloss = line.partition(" | ")
        fields = head.split()
        count = int(fields[3], 16)
        words = tuple(re.sub(r"\(\w+\)$", "", word) for word in fields[4 : 4 + 2 * count : 2])
        rest = fields[5 + 2 * count :]
        pointers = tuple((rest[i], (_POS[rest[i + 2]], rest[i + 1])) for i in range(0, len(rest) - 3, 4))
        yield fields[0], Synset(fields[1], words, pointers, gloss.split('; "')[0])


def _index(path: Path) -> Iterator[tuple[str, list[str]]]:
    for line in path.read_text(encoding="latin-1").splitlines():
        if not line.startswith(" "):
            fields = line.split()
            yield fields[0], fields[-int(fields[2]) :]


def _counts(path: Path) -> Iterator[tuple[tuple[str, str, int], int]]:
    for line in path.read_text(encoding="latin-1").splitlines():
        key, number, count = line.split()
        word, _, rest = key.partition("%")
        yield (word, _KEY_POS[rest[0]], int(number)), int(count)


Entry = tuple[set[str], set[str]]
"""What a word is, and what defines it."""


def of_wordnet(net: WordNet) -> dict[str, Entry]:
    meant = {
        word: [key for key in net.meant(word) if not net.is_name(key)]
        for word in {*net.index["noun"], *net.index["adj"]}
        # Whoever says `rooms` means several, and no suite.
        if _WORD.fullmatch(word) and not (forms_of(word) - {word}) & net.index["noun"].keys()
    }
    of_names = net.adjectives_of_names()
    defining = {}
    for word, keys in meant.items():
        told_by = _defining(net.synsets[key].definition for key in keys)
        defining[word] = told_by.union(*(of_names.get(one, ()) for one in told_by))
    common = {one for one, count in Counter(chain.from_iterable(defining.values())).items() if count > COMMON}
    found: dict[str, Entry] = {}
    for word, keys in meant.items():
        # A word that mostly means something else does not tell what this is: `play` is no fun.
        above = {(name, one) for key in keys for one in net.is_a(key) for name in net.synsets[one].words}
        is_a = {name for name, one in above if one in meant.get(name, ())[:2]} - {word}
        found[word] = is_a, defining[word] - common - is_a - {word}
    return found


def _defining(definitions: Iterable[str]) -> set[str]:
    return {one for text in definitions for one in content_words(_DENIED.sub("", text)) if _WORD.fullmatch(one)}


def of_choices(text: str, net: WordNet, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The words of `choices.txt`: after `#` what the choices of a block are, then a line a choice: its names, a colon,
    what it is called. Of a word that the dictionary knows it must agree: sushi is a food, and so for a cuisine, but no
    love is a film."""
    known = {joined(word) for one in net.index.values() for word in one}
    kinds = {joined(word): set(map(joined, is_a)) for word, (is_a, _) in entries.items()}
    found: dict[str, Entry] = {}
    what: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            what = line.strip("# ").split()
            continue
        names, _, called = line.partition(":")
        for phrase in map(str.strip, called.split(",")):
            is_a = found.setdefault(phrase, (set(), set()))[0]
            is_a.update(map(str.strip, names.split(",")))
            if not (forms := forms_of(joined(phrase))) & known or any(
                kinds.get(form, set()) & {*what} for form in forms
            ):
                is_a.update(what)
    return found


def lines(*sources: dict[str, Entry]) -> list[str]:
    """The lines of the thesaurus, in the words' order."""
    whole: dict[str, Entry] = defaultdict(lambda: (set(), set()))
    for source in sources:
        for word, entry in source.items():
            for part, more in zip(whole[joined(word)], entry, strict=True):
                part.update(map(joined, more))
    return sorted(
        "\t".join((word, " ".join(sorted(is_a)), " ".join(sorted(told_by - is_a))))
        for word, (is_a, told_by) in whole.items()
        if is_a or told_by
    )


def write(texts: Iterable[str], path: Path) -> None:
    path.write_bytes(lzma.compress("".join(f"{text}\n" for text in texts).encode("ascii"), preset=9))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "data.noun").is_file():
        sys.exit("Give the folder of WordNet's files, such as /usr/share/wordnet (Debian's package wordnet-base).")
    net = WordNet(Path(sys.argv[1]))
    entries = of_wordnet(net)
    write(lines(entries, of_choices(CHOICES.read_text(encoding="ascii"), net, entries)), WORDS)
    print(f"{WORDS.name}: {WORDS.stat().st_size / 1e6:.1f} MB")
