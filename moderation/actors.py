"""Who does something: a person of the staff, a visitor, a server with a key, or csbot itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

Kind = Literal["person", "visitor", "api_key", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """``id`` is a public one, ``name`` what people call it: never what a visitor says of themselves."""

    kind: Kind
    id: str = ""
    name: str = ""

    @classmethod
    def of(cls, user: AbstractBaseUser | AnonymousUser | None) -> Self:
        """The actor that a user of the console is; csbot itself for nobody."""
        if user is None or user.pk is None:
            return cls("system", "", "csbot")
        return cls("person", str(user.pk), user.get_username())


SYSTEM = Actor("system", "", "csbot")
OUTSIDER = Actor("visitor")
"""Somebody from outside who has not said who they are."""
_current: ContextVar[Actor | Callable[[], Actor]] = ContextVar("actor", default=SYSTEM)


def current() -> Actor:
    """Whoever acts in this thread or task; csbot itself unless somebody said so."""
    actor = _current.get()
    return actor if isinstance(actor, Actor) else actor()


def named(user: AbstractBaseUser | AnonymousUser | None) -> Actor | None:
    """The user where one is named; where none is, it is whoever acts now."""
    return None if user is None else Actor.of(user)


@contextmanager
def acting(actor: Actor | Callable[[], Actor]) -> Iterator[None]:
    """Everything within is done by ``actor``, who is asked for only when somebody wants to know."""
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)
