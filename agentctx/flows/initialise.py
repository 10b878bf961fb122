"""``agentctx init``: everything a repository needs, found out rather than asked, safe to repeat."""

from __future__ import annotations

from dataclasses import dataclass

from agentctx.catchup import pending_range
from agentctx.files import write_atomic
from agentctx.integrations import clients, githooks, mergedriver
from agentctx.notes.include import suggest_includes
from agentctx.notes.scan import KINDS
from agentctx.project import Project

IGNORED = "# Derived by agentctx; deleting it loses nothing.\nindex.json\n.*.tmp\n"
ATTRIBUTES = (
    "# Stamps are written by `agentctx verify`: reviewers need not read them.\n"
    ".verified/** linguist-generated\n"
    f"{mergedriver.TEXT}"
)
SETTINGS = "# Settings of agentctx for this repository; docs/configuration.md lists them all.\n"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing init did or found done. ``by_hand`` is what a person must add where we may not write."""

    path: str
    outcome: str
    reason: str = ""
    by_hand: str = ""
    hint: str = ""
    """What a person has to do once, in a client, before it counts."""


def initialise(project: Project, agents: str, hooks: bool, dry: bool) -> list[Step]:
    """Make what is missing; touch nothing that is there. ``agents``: ``auto``, ``none`` or names."""
    registering = clients.chosen(agents, project.root)
    steps = [*_context(project, dry), *_attributes(project, dry)]
    # From here on what arrives is news; without this, everything before the first look would be history.
    pending_range(project.git, project.state)
    for client, done in clients.install(registering, project.root, dry):
        if done.outcome != "absent":
            hint = client.trust if done.wrote else ""
            words = done.reason or client.title
            steps.append(Step(done.path, done.outcome, words, done.by_hand, hint))
    if hooks:
        for hook in githooks.install(project.git, project.context, dry):
            steps.append(Step(f"git hook {hook.name}", hook.outcome, hook.reason, hook.by_hand))
        driver = mergedriver.register(project.git, dry)
        steps.append(Step(driver.path, driver.outcome, driver.reason, driver.by_hand))
    return steps


def _attributes(project: Project, dry: bool) -> list[Step]:
    """The merge attributes in a ``.gitattributes`` that was there before; a new one is made with them."""
    done = mergedriver.add_attributes(project.root, project.context, dry)
    return [Step(done.path, done.outcome, "for the merge driver")] if done.outcome == "added" else []


def _context(project: Project, dry: bool) -> list[Step]:
    files = {".gitignore": IGNORED, ".gitattributes": ATTRIBUTES, "config.yaml": _settings(project)}
    if "pyproject.toml" in project.config.source:
        del files["config.yaml"]
    for folder in KINDS:
        files[f"{folder}/.gitkeep"] = ""
    steps = []
    for name, text in files.items():
        path = project.root / project.context / name
        shown = f"{project.context}/{name}"
        if path.exists() or (name.endswith(".gitkeep") and path.parent.exists()):
            steps.append(Step(shown, "present"))
            continue
        if not dry:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, text.encode())
        steps.append(Step(shown, "created", _why(name, text)))
    return [s for s in steps if not s.path.endswith(".gitkeep") or s.outcome == "created"]


def _settings(project: Project) -> str:
    """The first settings: existing documentation counts as read-only notes from the first minute."""
    globs = suggest_includes(project.tree.paths())
    if not globs:
        return SETTINGS
    lines = "".join(f'    - "{glob}"\n' for glob in globs)
    return f"{SETTINGS}notes:\n  # Sections of these documents are read-only notes.\n  include:\n{lines}"


def _why(name: str, text: str) -> str:
    included = [line.strip(' -"') for line in text.splitlines() if line.startswith("    - ")]
    return f"existing documents found: {', '.join(included)}" if name == "config.yaml" and included else ""
