"""What each format must look like, written down from its documentation: closed objects, so that a typing
mistake in a name is an error and not an extra."""

from __future__ import annotations

from typing import Any


def closed(required: str, **properties: Any) -> dict[str, Any]:
    """An object without any other properties; ``required`` names those that must be there."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


TEXT = {"type": "string", "minLength": 1}
MESSAGE = closed("text", text=TEXT)
LOCATION = closed(
    "physicalLocation",
    id={"type": "integer", "minimum": 0},
    message=MESSAGE,
    physicalLocation=closed(
        "artifactLocation region",
        artifactLocation=closed(
            "uri uriBaseId",
            # RFC 3986: a relative reference without scheme, fragment or query
            uri={"type": "string", "pattern": r"^(\./)?([A-Za-z0-9._~/-]|%[0-9A-F]{2})+$"},
            uriBaseId={"const": "%SRCROOT%"},
        ),
        region=closed("startLine", startLine={"type": "integer", "minimum": 1}),
    ),
)
SARIF = closed(
    "$schema version runs",
    **{
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": closed(
                "tool results",
                tool=closed(
                    "driver",
                    driver=closed(
                        "name semanticVersion rules",
                        name={"const": "agentctx"},
                        semanticVersion={"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                        rules={
                            "type": "array",
                            "uniqueItems": True,
                            "items": closed("id shortDescription", id=TEXT, shortDescription=MESSAGE),
                        },
                    ),
                ),
                columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                results={
                    "type": "array",
                    "items": closed(
                        "ruleId ruleIndex level message locations partialFingerprints",
                        ruleId=TEXT,
                        ruleIndex={"type": "integer", "minimum": 0},
                        level={"enum": ["none", "note", "warning", "error"]},
                        message=MESSAGE,
                        locations={"type": "array", "minItems": 1, "items": LOCATION},
                        relatedLocations={"type": "array", "uniqueItems": True, "items": LOCATION},
                        partialFingerprints={"type": "object", "additionalProperties": TEXT},
                    ),
                },
            ),
        },
    },
)

CODE_QUALITY = {
    "type": "array",
    "items": closed(
        "description check_name fingerprint severity location",
        description=TEXT,
        check_name=TEXT,
        fingerprint={"type": "string", "pattern": "^[0-9a-f]{64}$"},
        severity={"enum": ["info", "minor", "major", "critical", "blocker"]},
        location=closed(
            "path lines", path=TEXT, lines=closed("begin", begin={"type": "integer", "minimum": 1})
        ),
    ),
}

CHECK = closed(
    "version base head findings",
    version={"const": 1},
    base={"type": "string"},
    merge_base={"type": "string"},
    head={"type": "string"},
    worktree={"type": "boolean"},
    failed={"type": "boolean"},
    notices={"type": "array", "items": TEXT},
    findings={
        "type": "array",
        "items": closed(
            "note anchor state severity reason settle",
            **{
                name: {"type": "string"}
                for name in ("note", "anchor", "reason", "title", "path", "code_path", "diff", "settle")
            },
            state={
                "enum": [
                    "stale", "moved", "suspect", "conflicted", "unreadable", "unknown", "unverified",
                    "affected",
                ]
            },
            severity={"enum": ["error", "warning", "info"]},
            line={"type": "integer", "minimum": 1},
            code_line={"type": "integer", "minimum": 0},
            known={"type": "boolean"},
        ),
    },
)  # fmt: skip
