"""Twenty-five notes as people really write them: each has a title, tags and a status, or nothing at all."""

from __future__ import annotations

BODY = "We sign short-lived JWTs because `issue_token` is stateless.\n\n## Why\n\nThe gateway has no store.\n"


def _note(*lines: str, body: str = BODY) -> bytes:
    return ("---\n" + "".join(f"{line}\n" for line in lines) + "---\n" + body).encode()


SHAPES: dict[str, bytes] = {
    "plain": _note("title: JWT over sessions", "tags:", "  - auth", "status: active"),
    "crlf": _note("title: JWT", "tags:", "  - auth", "status: active").replace(b"\n", b"\r\n"),
    "bom": b"\xef\xbb\xbf" + _note("title: JWT", "tags:", "  - auth", "status: active"),
    "bom and crlf": b"\xef\xbb\xbf" + _note("title: JWT", "tags: [auth]").replace(b"\n", b"\r\n"),
    "no front matter": BODY.encode(),
    "empty front matter": b"---\n---\n" + BODY.encode(),
    "braces for front matter": _note("{}"),
    "only comments": _note("# nothing yet", "# tags: [auth]"),
    "comments everywhere": _note(
        "# the heading",
        "title: JWT # decided in May",
        "# who cares",
        "tags: # our words",
        "  # first",
        "  - auth # the old one",
        "  # last",
        "  - jwt",
        "# tail",
        "status: active # for now",
    ),
    "flow list": _note("title: JWT", "tags: [auth, 'jwt', \"no\"] # words", "status: active"),
    "flow list over lines": _note(
        "title: JWT", "tags: [", "  auth,", "  # why", "  jwt,", "  ]", "status: active"
    ),
    "list at the margin": _note("title: JWT", "tags:", "- auth", "- jwt", "status: active"),
    "literal block": _note(
        "title: JWT", "summary: |", "  One line.", "", "  # not a comment", "tags: [auth]"
    ),
    "kept block": _note("title: JWT", "tags: [auth]", "summary: |+", "  Text.", "", ""),
    "folded block": _note("title: >-", "  JWT over", "  sessions", "tags:", "  - auth", "status: active"),
    "folded plain text": _note("title: JWT over", "  sessions", "tags:", "  - auth", "status: active"),
    "single quotes": _note("title: 'it''s JWT'", "tags: ['a: b']", "status: 'active'"),
    "double quotes": _note('title: "JWT: \\u00e9 \\"now\\""', 'tags: ["#1"]', 'status: "active"'),
    "values YAML would type": _note(
        "title: 1.10", "commit: 0123456", "time: 12:30", "country: NO", "tags:", "  - yes", "date: 2026-01-01"
    ),
    "unknown nested keys": _note(
        "owner: {name: Ada, teams: [core, web]}", "title: JWT", "x-links:", "  - url: https://a.example/#x"
    ),
    "no final newline": _note("title: JWT", "tags:", "  - auth", body="Ends here"),
    "no body": b"---\ntitle: JWT\ntags: []\n---",
    "other scripts": _note(
        "title: 日本語 🚀", "tags:", "  - größe", "status: active", body="Смысл\n\n## なぜ\n\nя\n"
    ),
    "odd spaces": _note("title:   JWT   ", "", "tags:", "", "  -   auth", "", "status:", ""),
    "rules and fences in the body": _note(
        "title: JWT",
        "tags: [auth]",
        body="Text\n\n---\n\n```yaml\n---\ntitle: no\n# no heading\n---\n```\n\nEnd\n---\n",
    ),
}

BROKEN: dict[str, tuple[bytes, str, int, str]] = {
    "duplicate key": (
        _note("title: a", "title: b"),
        "duplicate-key",
        3,
        "keep one of the two `title:` fields",
    ),
    "conflict markers": (
        b"---\n<<<<<<< ours\ntitle: a\n=======\ntitle: b\n>>>>>>> theirs\n---\nx\n",
        "conflict-markers",
        2,
        "run `agentctx resolve note`, or edit the note and delete the marker lines",
    ),
    "conflict in the body": (
        _note("title: a", body="x\n<<<<<<< ours\ny\n||||||| base\n=======\nz\n>>>>>>> b\n"),
        "conflict-markers",
        5,
        "run `agentctx resolve note`, or edit the note and delete the marker lines",
    ),
    "unquoted glob": (_note("anchors:", "  - **/*.py"), "bad-yaml", 3, 'type `- "**/*.py"`'),
    "unquoted scope": (_note("anchors:", "  - @scope/x.ts"), "bad-yaml", 3, 'type `- "@scope/x.ts"`'),
    "unquoted brackets": (_note("anchors:", "  - [id].tsx"), "bad-yaml", 3, 'type `- "[id].tsx"`'),
    "alias": (_note("title: x", "tags: *all"), "yaml-alias", 3, 'type `tags: "*all"`'),
    "colon in a title": (_note("title: JWT: why"), "bad-yaml", 2, 'type `title: "JWT: why"`'),
    "tag": (
        _note("title: !!python/object:os.system x"),
        "yaml-tag",
        2,
        'type `title: "!!python/object:os.system x"`',
    ),
    "never closed": (b"---\ntitle: x\n\ntext\n", "unclosed-front-matter", 1, ""),
    "a list": (_note("- a", "- b"), "not-a-mapping", 2, "write one `key: value` a line"),
    "two documents": (_note("title: a", "...", "b: c"), "bad-yaml", 4, ""),
    "control character": (b"---\ntitle: a\x01b\n---\n", "bad-yaml", 2, "delete the control character"),
    "latin-1": (b"---\ntitle: caf\xe9\n---\n", "not-utf8", 2, ""),
    "too deep": (_note("a: {b: {c: {d: {e: {f: 1}}}}}"), "too-deep", 2, ""),
}
