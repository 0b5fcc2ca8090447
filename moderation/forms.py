"""What staff types into the pages of moderation."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from moderation.console import wording
from moderation.findings import Action, Direction
from moderation.models import ModerationCase
from moderation.policy import OTHER, ActionTable, Rules
from moderation.words.defaults import CATEGORIES
from moderation.words.lexicon import Level

ACTIONS = [
    (Action.ALLOW.value, _("allow")),
    (Action.MASK.value, _("mask")),
    (Action.REVIEW.value, _("let through, open a case")),
    (Action.BLOCK.value, _("block")),
]
DIRECTIONS = [
    (Direction.INBOUND.value, _("customer")),
    (Direction.OUTBOUND.value, _("bot")),
    (Direction.AGENT.value, _("agent")),
    (Direction.TRAINING.value, _("training data")),
]
LEVEL_NAMES = {
    Level.LEET: _("Disguised letters"),
    Level.PINYIN: _("Pinyin"),
    Level.HOMOPHONE: _("Same sound"),
    Level.SPLIT: _("Taken apart"),
}
LEVELS = {
    Level.LEET: _("Digits and symbols for letters (sh1t). Costs few false hits."),
    Level.PINYIN: _("Chinese words in pinyin. Ordinary English words may be hit."),
    Level.HOMOPHONE: _("Characters of the same sound. Ordinary Chinese is hit often."),
    Level.SPLIT: _("Characters taken apart, English words broken by a space."),
}


def category_choices() -> list[tuple[str, str]]:
    return [(each.slug, wording.category(each.slug)) for each in CATEGORIES]


class TryForm(forms.Form):
    """A text to be explained."""

    text = forms.CharField(
        label=_("text"), max_length=20_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 5})
    )
    direction = forms.ChoiceField(
        label=_("written by"), choices=DIRECTIONS, widget=UnfoldAdminSelectWidget
    )


class ImportForm(forms.Form):
    """A word list to be looked at."""

    file = forms.FileField(
        label=_("file"),
        help_text=_("txt: a term a line. csv: a first row with term, category, kind."),
        widget=UnfoldAdminFileFieldWidget,
    )
    category = forms.ChoiceField(
        label=_("category"),
        choices=category_choices,
        help_text=_("For terms that name none."),
        widget=UnfoldAdminSelectWidget,
    )


class NoteForm(forms.Form):
    """What changed, for those who look back."""

    note = forms.CharField(
        label=_("what changed"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )


class RevealForm(forms.Form):
    reason = forms.CharField(
        label=_("reason"),
        max_length=300,
        help_text=_("Kept for ever, with your name and the time."),
        widget=UnfoldAdminTextInputWidget,
    )


class ResolveForm(forms.Form):
    """How a case ends."""

    resolution = forms.ChoiceField(
        label=_("resolution"),
        choices=ModerationCase.Resolution.choices,
        widget=UnfoldAdminSelectWidget,
    )
    term = forms.CharField(
        label=_("term"),
        max_length=64,
        required=False,
        help_text=_("To be allowed or forbidden; counts from the next published list on."),
        widget=UnfoldAdminTextInputWidget,
    )
    category = forms.ChoiceField(
        label=_("category"),
        choices=lambda: [("", "-"), *category_choices()],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    note = forms.CharField(
        label=_("note"), max_length=300, required=False, widget=UnfoldAdminTextInputWidget
    )


class RulesForm(forms.Form):
    """The rules as a table: a row per category, a column per direction."""

    note = forms.CharField(
        label=_("what changed"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget
    )
    default_words = forms.BooleanField(
        label=_("csbot's own short word list"), required=False, widget=UnfoldBooleanSwitchWidget
    )

    def __init__(self, rules: Rules, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tables: dict[str, ActionTable] = {
            "words": _with_categories(rules.words),
            "personal": rules.personal,
            "injection": rules.injection,
        }
        self.initial["default_words"] = rules.default_words
        for level, help_text in LEVELS.items():
            self.fields[f"level-{level}"] = forms.BooleanField(
                label=LEVEL_NAMES[level],
                help_text=help_text,
                required=False,
                initial=level in rules.levels,
                widget=UnfoldBooleanSwitchWidget,
            )
        for table, rows in self._tables.items():
            for category, row in rows.items():
                for direction, label in DIRECTIONS:
                    self.fields[_cell(table, category, direction)] = forms.ChoiceField(
                        label=f"{wording.category(category)}: {label}",
                        choices=ACTIONS,
                        initial=row.get(Direction(direction), Action.BLOCK).value,
                        widget=UnfoldAdminSelectWidget(
                            attrs={"aria-label": f"{wording.category(category)}: {label}"}
                        ),
                    )

    def tables(self) -> list[dict[str, Any]]:
        """The table's cells, for the page."""
        titles = {
            "words": _("Words"),
            "personal": _("Personal data"),
            "injection": _("Attempts to steer the model"),
        }
        return [
            {
                "title": titles[table],
                "rows": [
                    {
                        "category": category,
                        "cells": [
                            self[_cell(table, category, each)] for each, _label in DIRECTIONS
                        ],
                    }
                    for category in rows
                ],
            }
            for table, rows in self._tables.items()
        ]

    def levels(self) -> list[forms.BoundField]:
        return [self[f"level-{level}"] for level in LEVELS]

    def rules(self) -> Rules:
        """The rules that were chosen; call it on a valid form."""
        data = self.cleaned_data
        tables = {
            table: {
                category: {
                    Direction(each): Action(data[_cell(table, category, each)])
                    for each, _label in DIRECTIONS
                }
                for category in rows
            }
            for table, rows in self._tables.items()
        }
        return Rules(
            words=tables["words"],
            personal=tables["personal"],
            injection=tables["injection"],
            levels=frozenset(level for level in LEVELS if data[f"level-{level}"]),
            default_words=data["default_words"],
        )


def _cell(table: str, category: str, direction: str) -> str:
    return f"{table}-{category}-{direction}"


def _with_categories(words: ActionTable) -> ActionTable:
    """A row for every category that words can have."""
    other = words.get(OTHER, {})
    slugs = [each.slug for each in CATEGORIES if each.slug != OTHER]
    return {**{slug: words.get(slug, other) for slug in slugs}, **words}
