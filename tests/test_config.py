"""Settings: one source, and every mistake is named with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentctx.config import Config, context_name, load
from agentctx.errors import InvalidInput


def write(root: Path, text: str) -> Path:
    (root / "agent-context").mkdir(exist_ok=True)
    (root / "agent-context" / "config.yaml").write_text(text)
    return root


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "agent-context") == Config()


def test_a_file_of_comments_means_the_defaults(tmp_path: Path) -> None:
    found = load(write(tmp_path, "# nothing yet\n\n"), "agent-context")
    assert found.prime == Config().prime


def test_settings_are_read_from_the_context_folder(tmp_path: Path) -> None:
    found = load(
        write(tmp_path, "prime:\n  budget_tokens: 500\nnotes:\n  include: ['docs/*.md']\n"), "agent-context"
    )
    assert found.prime.budget_tokens == 500
    assert found.notes.include == ("docs/*.md",)
    assert found.source == "agent-context/config.yaml"


def test_off_without_quotes_is_the_word_off(tmp_path: Path) -> None:
    assert load(write(tmp_path, "check:\n  targeting: off\n"), "agent-context").check.targeting == "off"


def test_settings_are_read_from_pyproject_with_dashes_too(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.agentctx.prime]\nbudget-tokens = 700\n")
    assert load(tmp_path, "agent-context").prime.budget_tokens == 700


def test_two_sources_are_an_error_that_names_both(tmp_path: Path) -> None:
    (write(tmp_path, "prime:\n  budget_tokens: 1\n") / "pyproject.toml").write_text("[tool.agentctx]\n")
    with pytest.raises(InvalidInput, match=r"both .*config\.yaml and pyproject\.toml"):
        load(tmp_path, "agent-context")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("prim:\n  budget_tokens: 1\n", "unknown setting `prim`", "did you mean `prime`"),
        ("prime:\n  budget_token: 1\n", "unknown setting `prime.budget_token`", "mean `prime.budget_tokens`"),
        ("prime:\n  budget_tokens: many\n", "must be a whole number, not 'many'", ""),
        ("prime:\n  budget_tokens: true\n", "must be a whole number, not True", ""),
        ("prime:\n  budget_tokens: -1\n", "must not be negative", ""),
        ("notes:\n  include: docs\n", "must be a list of texts", "one `- item` a line"),
        ("sync:\n  owner: everybody\n", "cannot be 'everybody'", "local, ci"),
        ("prime: 3\n", "`prime` must be a table", "configuration.md"),
        ("a: [\n", "config.yaml:2 is not YAML", "mend that line"),
        ("provider:\n  url: http://evil\n", "unknown setting `provider`", "configuration.md"),
    ],
    ids=["section", "key", "type", "bool", "negative", "list", "choice", "table", "syntax", "provider"],
)
def test_a_mistake_is_named_with_its_remedy(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(write(tmp_path, text), "agent-context")
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_variable_stands_above_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCTX_PRIME_BUDGET_TOKENS", "900")
    monkeypatch.setenv("AGENTCTX_NOTES_INCLUDE", "a.md, b.md")
    found = load(write(tmp_path, "prime:\n  budget_tokens: 500\n"), "agent-context")
    assert (found.prime.budget_tokens, found.notes.include) == (900, ("a.md", "b.md"))


def test_a_variable_of_the_wrong_type_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCTX_PRIME_BUDGET_TOKENS", "lots")
    with pytest.raises(InvalidInput, match="AGENTCTX_PRIME_BUDGET_TOKENS"):
        load(tmp_path, "agent-context")


@pytest.mark.parametrize("name", ["/etc", "../elsewhere"])
def test_the_context_folder_stays_inside_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("AGENTCTX_DIR", name)
    with pytest.raises(InvalidInput, match="AGENTCTX_DIR"):
        context_name(tmp_path)
