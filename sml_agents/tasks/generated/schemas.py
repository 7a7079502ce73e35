"""Problem schemas as data: the TOML files under `banks/FAMILY/SPLIT/`, one file a setting.

A file holds `setting`, `noise` (sentences that matter to nothing, with vague quantities in them) and `[[schema]]`
tables. A schema holds

    name, answer    the schema's name and its program over the facts (`count * price`)
    vary            words drawn for a slot: `vary.item = ["pen", "box/boxes"]` fills {item} and the plural {items}
    scene, given    opening sentences (one is drawn or none); constant relations (one is drawn, always told)
    question        phrasings of the question
    free            true when the facts may be told in any order
    lead            openings of a compound sentence that takes the `tail` of every fact that has one
    joins           false when facts may neither share a sentence nor stand in an if-clause
    limit           the largest number that may come up (200)
    facts.NAME      n = [low, high(, step)] or pick = [...]; say = clauses; vague = clauses that name no number;
                    ask = questions for it; kind and size (see FactTemplate); keep = true when the problem would look
                    complete without its sentence; auto = false when no vague word may stand in the number's place;
                    tail = its part in the compound sentence

`banks/asides.toml` holds facts that no problem needs: they stand in where a needed fact is kept back.

Slots: {n} {n:$} {n:times} {n:nth} the fact's value; {P} {P's} {P:o} the person as subject, possessive, object; {Q}
{Q's} a second person; and the `vary` words. Facts that the program does not name are distractors.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Bank", "FactTemplate", "Person", "Schema", "load_asides", "load_bank"]

_SPLITS = ("train", "dev", "heldout")


@dataclass(frozen=True)
class Person:
    name: str
    she: bool


@dataclass(frozen=True)
class FactTemplate:
    name: str
    say: tuple[str, ...]
    ask: tuple[str, ...] = ()
    vague: tuple[str, ...] = ()
    n: tuple[int, ...] = ()
    pick: tuple[Any, ...] = ()
    kind: str = "number"
    """What sort of value it draws: only numbers in `arithmetic`, more in `lists`. Of an aside: what its {n} is."""
    size: tuple[int, ...] = ()
    """Least and most members of a list."""
    keep: bool = False
    auto: bool = True
    tail: str = ""


@dataclass(frozen=True)
class Schema:
    name: str
    setting: str
    split: str
    answer: str
    question: tuple[str, ...]
    facts: Mapping[str, FactTemplate]
    vary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scene: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    free: bool = False
    joins: bool = True
    """Facts may be joined in one sentence or put into an if-clause."""
    limit: int = 200

    @property
    def id(self) -> str:
        return f"{self.setting}/{self.name}"

    @property
    def has_two_people(self) -> bool:
        return any(
            "{Q" in text for text in (*self.question, *(say for fact in self.facts.values() for say in fact.say))
        )


@dataclass(frozen=True)
class Bank:
    """All schemas of one split, with the names and vague words that only this split uses."""

    split: str
    schemas: tuple[Schema, ...]
    people: tuple[Person, ...]
    vague: tuple[str, ...]
    vague_money: tuple[str, ...]
    words: tuple[str, ...]
    """Short words for exercises on letters."""
    asides: tuple[FactTemplate, ...]
    """Facts that no problem needs."""


def _take(cls: type, table: dict[str, Any], where: str) -> dict[str, Any]:
    """The table with lists as tuples. Raises ValueError for a key that `cls` does not have."""
    known = {item.name for item in fields(cls)}
    if unknown := set(table) - known:
        raise ValueError(f"{where}: unknown {sorted(unknown)}")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _schema(table: dict[str, Any], setting: str, split: str, noise: tuple[str, ...]) -> Schema:
    where = f"{split}/{setting}/{table.get('name')}"
    facts = {
        name: FactTemplate(**_take(FactTemplate, {**fact, "name": name}, f"{where}/{name}"))
        for name, fact in table.pop("facts").items()
    }
    vary = {key: tuple(words) for key, words in table.pop("vary", {}).items()}
    return Schema(**_take(Schema, table, where), setting=setting, split=split, noise=noise, facts=facts, vary=vary)


@cache
def load_bank(family: str, split: str) -> Bank:
    """The schemas of `family` in `split` (`train`, `dev` or `heldout`), in a fixed order."""
    if split not in _SPLITS:
        raise ValueError(f"split is {', '.join(_SPLITS[:-1])} or {_SPLITS[-1]}, not {split!r}")
    root = files("sml_agents.tasks") / "banks"
    words = tomllib.loads((root / "words.toml").read_text("utf-8"))[split]
    people = [Person(name, True) for name in words["women"]] + [Person(name, False) for name in words["men"]]
    schemas: list[Schema] = []
    folder = root / family / split
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            table = tomllib.loads(file.read_text("utf-8"))
            noise = tuple(table.get("noise", ()))
            schemas += [_schema(entry, table["setting"], split, noise) for entry in table["schema"]]
    return Bank(
        split=split,
        schemas=tuple(schemas),
        people=tuple(people),
        vague=tuple(words["vague"]),
        vague_money=tuple(words["vague_money"]),
        words=tuple(words["words"]),
        asides=load_asides(split),
    )


@cache
def load_asides(split: str) -> tuple[FactTemplate, ...]:
    """The facts of `split` that no problem needs."""
    text = (files("sml_agents.tasks") / "banks" / "asides.toml").read_text("utf-8")
    return tuple(FactTemplate(**_take(FactTemplate, entry, f"aside {split}")) for entry in tomllib.loads(text)[split])
