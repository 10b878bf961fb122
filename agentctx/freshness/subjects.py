"""What a commit's subject says was taken out, and whether a note is about that.

A careful reading: the thing must be a term of the note's title or tags as a whole, and no everyday word of
programming.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agentctx.model import Note

_TAKE = (
    r"drop(?:s|ped)?|remov(?:e[sd]?|ing)|delet(?:e[sd]?|ing)|retir(?:e[sd]?|ing)|abandon(?:s|ed)?"
    r"|ditch(?:es|ed)?|discontinu(?:e[sd]?|ing)|get rid of|rip out"
    r"|stop(?:s|ped)? (?:using|depending on|relying on)|no longer uses?"
)
_LEAVE = r"(?:mov|migrat|switch|convert)(?:e[sd]?|ing|es|ed)?(?: away| over| off)? from"
_OFF = r"(?:mov|migrat)(?:e[sd]?|ing)?(?: (?:away from|off(?: of)?))"
_TO = r"(?:mov|migrat|switch|convert)(?:e[sd]?|ing|es|ed)?(?: over)? to"
_SWAP = r"replac(?:e[sd]?|ing)|swap(?:s|ped)?(?: out)?"
_PREFIX = (
    r"^(?:\[[^\]]+\]\s*|[a-z]+(?:\([^)]*\))?!?:\s*|:[a-z_]+:\s*|[^\w\s]+\s*)*(?:(?:finally|completely) )?"
)
_DETERMINERS = r"(?:(?:the|our|all|any|old|legacy|usages? of|uses? of|dependency on|support for) )*"
_THING = r"(?P<thing>[\w.+#/@-]+(?: [\w.+#/@-]+){0,3}?)"
_KIND = (
    r"(?: (?:support|dependency|dependencies|backend|client|library|integration|usage|package|server|service"
    r"|entirely|completely|altogether|everywhere|for good))*"
)
_END = (
    r"(?:$|\s*[.,;!(]| in favou?r of | and (?:use|switch|move|go|replace|adopt) "
    r"| from (?:the )?(?:stack|project|code ?base))"
)
_PATTERNS = tuple(
    re.compile(_PREFIX + pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:{_TAKE}) {_DETERMINERS}{_THING}{_KIND}{_END}",
        rf"(?:{_LEAVE}) {_DETERMINERS}{_THING}{_KIND} (?:to|onto|towards) \S",
        rf"(?:{_OFF}) {_DETERMINERS}{_THING}{_KIND}(?:{_END}| (?:to|onto|towards) \S)",
        rf"(?:{_TO}) \S+(?: \S+){{0,3}}? from {_DETERMINERS}{_THING}{_KIND}{_END}",
        rf"{_DETERMINERS}{_THING}{_KIND} (?:is|are) (?:gone|no more|no longer used){_END}",
        rf"(?:{_SWAP}) {_DETERMINERS}{_THING}{_KIND} (?:with|by) \S",
    )
)
_WORDS = """
    api apis app application args argument arguments assert async attribute attributes auth badge badges
    branch branches bug build builds cache caches caching check checks ci class classes cli client
    clients code command commands comment comments commit commits compatibility config configs
    configuration constant constants container copy coverage cpu data database databases db debug
    debugging default defaults dependencies dependency deprecation deprecations doc docs documentation
    duplicate email endpoint endpoints env environment error errors event events example examples
    exception exceptions export exports feature features field fields file files fixture fixtures flag
    flags folder format formatting function functions git global handler handlers header headers helper
    helpers history hook hooks html http https id ids image images import imports index init input
    install interface internal issue issues job jobs json key keys label labels language legacy lib
    library line link links lint linter list lock log logger logging logs loop main memory message
    messages method methods migration migrations mock mocks model models module modules name names note
    notes object old option options order output package packages page param parameter parameters parser
    patch path paths performance permission permissions pipeline plugin plugins pool process property
    proxy python query queue queues readme refactoring release releases request requests response
    retries retry return route routes rule rules schema script scripts search security server servers
    service services session sessions setting settings setup shell side signal source sql state status
    step steps storage stream string strings style support switch table tables tag tags target task
    tasks template templates test testing tests text thread threads time timeout timeouts timestamp
    token tokens tool tools tracking type types typing typo ui unused update url urls usage user users
    util utils validation value values variable variables version versions view views warning warnings
    web whitespace windows work worker workers workflow workflows wrapper
"""
_TURNS = """
    no not without over than instead from of drop dropped dropping remove removed removing replace
    replaced replacing avoid avoids never against stop stopped leave leaving left retire retired
"""
_EVERYDAY = frozenset(_WORDS.split())
_TURNED = frozenset(_TURNS.split())
"""Words after which a title names what it is not about."""


def departure_of(subject: str) -> str:
    """What a subject says was taken out, in lower case; empty when it is not plain, or an everyday word."""
    for pattern in _PATTERNS:
        found = pattern.match(subject)
        if found:
            thing = _plain(found["thing"])
            words = thing.split()
            is_plain = len(words) < 3 and all(word in _EVERYDAY or word.isdigit() for word in words)
            return "" if is_plain or len(thing) < 2 else thing
    return ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a note is about, in words."""

    title: str
    """In lower case, one blank around every word."""
    tags: frozenset[str]


def terms_of(note: Note) -> Terms:
    """The terms of a note's title and tags."""
    return Terms(f" {_plain(note.title)} ", frozenset(_plain(tag) for tag in note.tags))


def is_about(terms: Terms, thing: str) -> bool:
    """Is the thing, as a whole, among the terms, and not what the title turns away from?"""
    if f" {thing} " not in terms.title:
        return thing in terms.tags
    words = terms.title.partition(f" {thing} ")[0].split()
    return not set(words[-2:]) & _TURNED


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[`'\"*(),:;!?]|[-_](?=\w)|\.(?=\s|$)", " ", text.lower()).split())
