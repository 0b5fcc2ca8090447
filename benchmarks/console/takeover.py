"""An agent takes a conversation while its answer is settled and its customer writes: does the bot speak?"""

from django.contrib.auth.models import Permission, User
from django.db import connection

from benchmarks.machine import Figure, figure
from tests.chat.racing import Race

RACES = 1_000


def measure(races: int = RACES) -> list[Figure]:
    """Needs a migrated database; leaves its conversations there."""
    ann = User.objects.create_user("ann", first_name="Ann", is_staff=True)
    wanted = ("answer_conversation", "work_on_all_bots")
    ann.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    with Race(ann) as race:
        wrong = [found for number in range(races) for found in race.run(number)]
    name = f"takeover: answers by the bot after one, of {races} races ({connection.vendor})"
    return [figure(name, "", [len(wrong)], at_most=0)]
