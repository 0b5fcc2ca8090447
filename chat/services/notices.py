"""What csbot itself says in a conversation, in the customer's language."""

from django.utils import translation
from django.utils.translation import gettext as _


def notice_text(code: str, locale: str, *, name: str = "") -> str:
    """The sentence for a notice, in which ``name`` is an agent's.

    Raises ``KeyError`` for an unknown ``code``.
    """
    with translation.override(locale):
        return {
            "busy": _(
                "Very many people are asking right now. Please try again in a minute, "
                "or ask for a person."
            ),
            "person_requested": _(
                "We have noted that you would like to talk to a person. "
                "You can keep asking here meanwhile."
            ),
            "out_of_hours": _(
                "Nobody is here right now. Leave a message and a way to reach you, "
                "or keep asking here."
            ),
            "agent_joined": _("%(name)s is here now and answers you.") % {"name": name},
            "agent_left": _("%(name)s has left. The assistant answers your next message.")
            % {"name": name},
            "conversation_closed": _("This conversation has ended."),
            "left_message": _("Thank you, your message is with our people."),
            "not_accepted": _(
                "I cannot help with this message. Please say it in other words, "
                "or ask for a person."
            ),
            "unsure": _(
                "I am not sure that I understand. Is one of these your question? "
                "You can also ask for a person."
            ),
            "unanswered": _(
                "I do not know the answer to this. Please ask in other words, or ask for a person."
            ),
            "withheld": _(
                "I could not find a good answer to this. Please ask in other words, "
                "or ask for a person."
            ),
        }[code]
