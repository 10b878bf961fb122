"""Translations and logs of releases, told by their paths."""

from __future__ import annotations

import pytest

from agentctx.retrieval.asides import is_log, translations


@pytest.mark.parametrize(
    ("path", "log"),
    [
        ("docs/changelog.md", True),
        ("docs/CHANGES.md", True),
        ("docs/en/docs/release-notes.md", True),
        ("docs/release_notes.md", True),
        ("HISTORY.md", True),
        ("docs/whats-new.md", True),
        ("docs/change.md", False),
        ("docs/news-feed.md", False),
        ("docs/changelog/format.md", False),
        ("changes", False),
    ],
)
def test_a_log_of_releases_is_told_by_its_name(path: str, log: bool) -> None:
    assert is_log(path) is log


def test_a_translation_has_its_page_in_english() -> None:
    translated = {"docs/de/a.md", "docs/pt-BR/a.md", "docs/zh_hans/a.md", "i18n/ja/b.md"}
    others = {"docs/a.md", "docs/en/a.md", "i18n/en/b.md", "docs/de/only-german.md", "docs/io/files.md"}
    assert translations(translated | others) == translated
    assert translations([]) == frozenset()
