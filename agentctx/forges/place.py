"""A remote with its host: where the last sync ended, which request is open, and the steps that change it."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from functools import cached_property

from agentctx.errors import GitFailed, InvalidInput
from agentctx.forges import choose
from agentctx.forges.base import Forge, Request, Text
from agentctx.git import Git
from agentctx.git.remotes import default_remote, fetch, push, remote_refs, url_of
from agentctx.git.runner import decode
from agentctx.proposals.publish import (
    OFFERED,
    PREFIX,
    SYNCED,
    TEXT,
    TURNS,
    Trailers,
    newest_heads,
    read_trailers,
)

REMEMBERED = 50
"""Requests that a remote remembers to have been offered; beyond that the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a sync is to be published, and from where it starts when nothing else says."""

    remote: str = ""
    target: str = ""
    """Branch to be merged into; the remote's default branch when empty."""
    since: str = ""
    """What had been merged before this event (a revision)."""
    forge: str = "auto"
    model: bool = True
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Tip:
    branch: str
    commit: str


@dataclass(frozen=True, slots=True)
class Offered:
    """What a request held."""

    start: str
    """The commit of the target that it began at."""
    commit: str
    head: str
    """The newest merged commit that it dealt with."""
    notes: frozenset[str]
    """Ids of the notes that it mended; where it mended none, of those that it left to a person."""


class Place:
    """A remote with its host: what is there, and the steps that change it."""

    def __init__(self, git: Git, goal: Goal) -> None:
        self.git, self.goal = git, goal
        self.remote = goal.remote or default_remote(self.git)
        self.forge: Forge = choose(goal.forge, url_of(self.git, self.remote))
        self.target = goal.target or self._default_branch()
        wanted = (SYNCED, TURNS, TEXT, f"{OFFERED}*", f"refs/heads/{PREFIX}*", f"refs/heads/{self.target}")
        self.refs = remote_refs(self.git, self.remote, *wanted)
        fetch(self.git, self.remote, list(self.refs))

    def _default_branch(self) -> str:
        listed = decode(self.git.runner.run("ls-remote", "--symref", "--", self.remote, "HEAD", contact=True))
        for line in listed.splitlines():
            if line.startswith("ref: refs/heads/"):
                return line.removeprefix("ref: refs/heads/").partition("\t")[0]
        raise GitFailed(f"{self.remote} does not name its default branch", "name it with --target")

    @property
    def _merged(self) -> str:
        return self.refs.get(f"refs/heads/{self.target}", "")

    def insist_merged(self, head: str) -> None:
        """Notes are mended for what everybody has."""
        if not self._merged or self.git.merge_base(head, self._merged) != head:
            raise InvalidInput(
                f"{head[:12]} is not on {self.remote}/{self.target}: only merged commits are synced this way",
                "check out the merged branch, or use `agentctx sync` for your own",
            )

    def base(self, head: str, tip: Tip | None) -> str:
        """Where the last sync ended: open branch or pushed ref; else merged trailers; else the event."""
        pushed = [
            *(self._dealt_with(f"{head}..{tip.commit}") if tip else []),
            *([self.refs[SYNCED]] if SYNCED in self.refs else []),
        ]
        ancestors = [c for c in pushed if self._is_before(c, head)] or self._told_by_history(head)
        if ancestors:
            return max(ancestors, key=self._age)
        if self.goal.since.strip("0"):
            return self.git.rev_parse(self.goal.since)
        parents = decode(self.git.run("rev-list", "--parents", "-n", "1", head)).split()[1:]
        if parents:
            return parents[0]
        raise InvalidInput("nothing says where to start from", "name the range: agentctx sync A..B")

    def _told_by_history(self, head: str) -> list[str]:
        """What merged sync commits say. Anybody can write such a message, so only commits of the main line
        count: nobody hides the first half of a branch by calling it dealt with in the second."""
        told = set(self._dealt_with(head))
        line = decode(self.git.run("rev-list", "--first-parent", head)).split() if told else []
        return [commit for commit in line if commit in told][:1]

    def _age(self, commit: str) -> int:
        """How many commits a commit has behind it: of two ancestors the newer has more."""
        return int(self.git.run("rev-list", "--count", commit))

    def _is_before(self, commit: str, head: str) -> bool:
        known = self.git.objects.kind(commit) == "commit"
        return known and self.git.merge_base(commit, head) == commit

    def _dealt_with(self, revisions: str) -> list[str]:
        """Range heads in the trailers of a line of commits, newest first."""
        return newest_heads(self._messages(revisions))

    def _messages(self, revisions: str) -> list[str]:
        """What the syncs in a line of commits say, newest first."""
        out = self.git.run(
            "log", "-z", "--format=%B", "--no-color", "--encoding=UTF-8", "--max-count=200",
            "--extended-regexp", "--grep=Agentctx-Sync: ", revisions,
        )  # fmt: skip
        return decode(out).split("\0")

    @cached_property
    def _open(self) -> tuple[str, ...]:
        """The branches, oldest first, that open requests belong to, or that an interrupted run pushed."""
        refs = {
            ref.removeprefix("refs/heads/"): commit
            for ref, commit in self.refs.items()
            if ref.startswith(f"refs/heads/{PREFIX}") and not self._is_merged(commit)
        }
        names = tuple(sorted(refs, key=lambda name: (self._age(refs[name]), name)))
        return self.forge.waiting(names) if names else ()

    def waiting(self) -> Tip | None:
        """The newest branch that is still being asked for."""
        return Tip(self._open[-1], self.refs[f"refs/heads/{self._open[-1]}"]) if self._open else None

    def closed(self) -> list[Offered]:
        """What was offered on requests that are not open any more: merged, closed, or the branch deleted."""
        found = []
        for ref, commit in self.refs.items():
            name = PREFIX + ref.removeprefix(OFFERED)
            if ref.startswith(OFFERED) and name not in self._open and (one := self._offered(commit)):
                found.append(one)
        return found

    def _offered(self, commit: str) -> Offered | None:
        """The syncs that end in a commit, one on top of the other, seen as one."""
        out = self.git.run(
            "log", "-z", "--first-parent", "--max-count=50", "--no-color", "--encoding=UTF-8",
            "--format=%H%x00%P%x00%B", commit,
        )  # fmt: skip
        told: list[Trailers] = []
        parts, start = decode(out).split("\0"), commit
        base = self.git.merge_base(commit, self._merged)
        for id, parents, message in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
            trailers = read_trailers(message)
            # On the way to the base of what is not merged, one without trailers is a reviewer's among ours.
            is_over = trailers is None if base == commit else id == base
            if is_over or id in [one.head for one in told]:
                break
            told += [trailers] if trailers else []
            start = parents.split()[0] if parents else ""
        notes = {note for one in told for _, note in one.sources}
        if not notes and not self._is_merged(commit):  # it only told what to look at, and nobody wants to
            notes = {note for one in told for note in one.open}
        return Offered(start, commit, told[0].head, frozenset(notes)) if told and start else None

    def landed(self, offered: Offered) -> set[str]:
        """The paths of what was offered whose content was on the target some time since."""
        paths = self.changed(offered.start, offered.commit)
        if not paths or not self._merged:
            return set()
        out = self.git.run(
            "log", "--first-parent", "--diff-merges=first-parent", "--raw", "-z", "--no-abbrev",
            "--no-renames", "--format=", f"{offered.start}..{self._merged}", "--", *paths,
        )  # fmt: skip
        parts = decode(out).split("\0")
        had = {(parts[at + 1], part.split()[3]) for at, part in enumerate(parts[:-1]) if part.startswith(":")}
        there = self.git.tree(offered.commit)
        return {path for path in paths if (path, there.get(path, "0" * len(offered.commit))) in had}

    def _is_merged(self, commit: str) -> bool:
        """Merged as it is, or squashed: every file it changed is on the target as it left it."""
        start = self.git.merge_base(commit, self._merged)
        if start in (commit, ""):
            return True
        changed = self.changed(start, commit)
        if not changed:  # a request that only tells what waits for a person
            return False
        there, here = self.git.tree(self._merged), self.git.tree(commit)
        return all(there.get(path) == here.get(path) for path in changed)

    def changed(self, base: str, head: str) -> list[str]:
        out = self.git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", base, head)
        return [path for path in decode(out).split("\0") if path]

    def edited(self, tip: Tip) -> list[str]:
        """The paths that the open branch changes."""
        return self.changed(self.git.merge_base(tip.commit, self._merged), tip.commit)

    def covers(self, tip: Tip, head: str) -> bool:
        return any(self._is_before(head, done) for done in self._dealt_with(f"{head}..{tip.commit}"))

    def free_name(self, name: str) -> str:
        """The name, or the next one where a person refused a branch of that name and left it there."""
        taken = {ref.removeprefix("refs/heads/") for ref in self.refs}
        numbered = (f"{name}-{n}" for n in range(2, 1000))
        return name if name not in taken else next(n for n in numbered if n not in taken)

    def earlier(self, head: str, tip: Tip | None) -> list[str]:
        """The messages of the syncs that are on the open branch already, oldest first."""
        out = self.git.run("log", "-z", "--reverse", "--format=%B", f"{head}..{tip.commit}") if tip else b""
        return [message for message in decode(out).split("\0") if read_trailers(message)]

    def trailers(self, head: str, tip: Tip | None) -> list[str]:
        """The provenance of the syncs that are on the open branch already, a line each, oldest first."""
        lines = (line for message in self.earlier(head, tip) for line in message.splitlines())
        return [line for line in lines if line.startswith("Agentctx-")]

    def still_open(self, head: str, tip: Tip | None) -> set[str]:
        """The notes that the syncs on the open branch left to a person, and none of them has mended since."""
        found: set[str] = set()
        for trailers in filter(None, map(read_trailers, self.earlier(head, tip))):
            found -= {note for _, note in trailers.sources}
            found |= set(trailers.open)
        return found

    def push(self, commit: str, branch: str, text: Text, tip: Tip | None) -> None:
        """Only on top of what was there when the sync began: a branch that somebody deleted stays deleted."""
        options = self.forge.push_options(text, tip is None)
        there = tip.commit if tip else ""
        push(self.git, self.remote, commit, f"refs/heads/{branch}", options, instead_of=there)

    def keep_text(self, tip: Tip, text: Text) -> None:
        """Note what the request of a commit will say, before the commit is pushed."""
        self._keep(TEXT, json.dumps([tip.branch, tip.commit, *astuple(text)]))

    def unsaid(self, tip: Tip) -> Text | None:
        """The text that an interrupted run pushed the branch for, and did not bring to the host."""
        try:
            branch, commit, title, body, target, told = json.loads(self._kept(TEXT))
        except ValueError:  # there is none, or one of another form
            return None
        said = self.refs.get(OFFERED + tip.branch.removeprefix(PREFIX), "") == commit
        if branch != tip.branch or said or not self._is_before(commit, tip.commit):
            return None
        return Text(title, body, target, tuple(told))

    def say(self, tip: Tip, text: Text) -> Request:
        """Open the request of a branch, or give the open one this text; and remember what was offered."""
        request = self.forge.announce(tip.branch, text)
        self._remember(tip.branch, tip.commit)
        return request

    def _remember(self, branch: str, commit: str) -> None:
        """Tell later runs what was offered, wherever they run: the branch may be deleted to refuse it."""
        ref = OFFERED + branch.removeprefix(PREFIX)
        push(self.git, self.remote, commit, ref, instead_of=self.refs.get(ref, ""))
        known = [r for r in self.refs if r.startswith(OFFERED) and r != ref]
        if len(known) >= REMEMBERED:
            oldest = min(known, key=lambda r: (self._age(self.refs[r]), r))
            push(self.git, self.remote, "", oldest, instead_of=self.refs[oldest])

    def turns(self) -> str:
        """What earlier jobs noted about whom they asked."""
        return self._kept(TURNS)

    def keep_turns(self, text: str) -> None:
        """Note it for later jobs."""
        self._keep(TURNS, text)

    def _kept(self, ref: str) -> str:
        return decode(self.git.read_blob(self.refs[ref]) or b"") if ref in self.refs else ""

    def _keep(self, ref: str, text: str) -> None:
        """Put a text where later jobs find it; what another job put there meanwhile is not overwritten."""
        blob = decode(self.git.run("hash-object", "-w", "--stdin", stdin=text.encode())).strip()
        if blob != self.refs.get(ref):
            push(self.git, self.remote, blob, ref, instead_of=self.refs.get(ref, ""))

    def mark(self, head: str) -> None:
        """Move the synced ref forward; another job may have moved it further meanwhile."""
        old = self.refs.get(SYNCED, "")
        if old and self._is_before(head, old):
            return
        rewritten = old if old and not self._is_before(old, head) else ""
        try:
            push(self.git, self.remote, head, SYNCED, instead_of=rewritten)
        except GitFailed:
            now = remote_refs(self.git, self.remote, SYNCED).get(SYNCED, "")
            if not now or now == old:
                raise
