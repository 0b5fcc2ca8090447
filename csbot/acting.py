"""Whatever a request, a command or a task writes down is written down as theirs."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from celery import Task
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from moderation.actors import OUTSIDER, Actor, acting

Answering = Callable[[HttpRequest], HttpResponseBase]
AnsweringLater = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def name_actor(get_response: Any) -> Answering | AnsweringLater:
    """A request of the console is its user's. Who that is costs a query only where it matters."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponseBase:
            with acting(lambda: _whose(request)):
                answer: HttpResponseBase = await get_response(request)
                return answer

        return answer_later

    def answer(request: HttpRequest) -> HttpResponseBase:
        with acting(lambda: _whose(request)):
            answered: HttpResponseBase = get_response(request)
            return answered

    return answer


class ActingTask(Task):
    """A task of Celery acts in its own name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with acting(Actor("system", "", f"task {self.name}")):
            return super().__call__(*args, **kwargs)


def _whose(request: HttpRequest) -> Actor:
    # The API puts there what was authenticated: a visitor, or a company's key.
    principal = getattr(request, "auth", None)
    if principal is not None:
        return principal.actor  # type: ignore[no-any-return]  # a visitor or a key
    # ... and nobody at all where nothing was sent to authenticate.
    user: AbstractBaseUser | AnonymousUser | None = request.user
    return OUTSIDER if user is None or not user.is_authenticated else Actor.of(user)
