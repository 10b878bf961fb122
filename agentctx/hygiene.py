"""Secrets never travel: one scanner on every path out (model, logs, export) and in (notes, episodes).

Known key formats are recognised by their fixed prefixes, private keys by their armour, everything else by
an assignment to a telling name whose value looks random. Patterns start at a literal and have bounded
repeats, so the time is linear in the text; a rule is not even tried when none of its keywords occurs.

A finding names the rule and the line, never the value. If the scanner cannot do its work it raises
``Unscanned``: the caller then sends and stores nothing.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from agentctx.errors import Unscanned

MAX_CHARACTERS = 16_000_000
"""Longer texts are refused (``Unscanned``) instead of being scanned in part."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One secret, by kind and place; the value is deliberately not here."""

    rule: str
    line: int
    """One-based line in the scanned text."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """The text with every secret replaced by ``[redacted:RULE]``, and what was found."""

    text: str
    findings: tuple[Finding, ...] = ()


def redact(text: str) -> Redacted:
    """Replace every secret. Raises ``Unscanned`` when the text cannot be scanned as a whole."""
    if len(text) > MAX_CHARACTERS:
        raise Unscanned(
            f"a text of {len(text)} characters is too long to be scanned for secrets",
            "narrow the range of commits",
        )
    try:
        spans = _merged(_spans(text))
        return _replaced(text, spans)
    except Exception as error:
        # The message of the error could quote the text, so only its kind is told.
        raise Unscanned(
            f"the text could not be scanned for secrets ({type(error).__name__}); nothing was sent"
        ) from None


def secret_file(path: str) -> bool:
    """Whether a file's content must never leave, judged by its repository path alone."""
    name = posixpath.basename(path).lower()
    if name.endswith(".pub"):
        return False
    if name.startswith("id_") and "." not in name:
        return True
    return any(fnmatchcase(name, glob) for glob in _SECRET_NAMES) or any(
        fnmatchcase("/" + path.lower(), glob) for glob in _SECRET_PATHS
    )


_SECRET_NAMES = (
    ".env", ".env.*", ".envrc", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.p8", "*.jks", "*.keystore",
    "*.kdbx", "*.kdb", "*.ppk", "*.gpg", "*.pgp", "*.crt", "*.cer", "*.der", "*.p7b", "*.ovpn", "*.tfstate",
    "*.tfstate.backup", "*.tfvars", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc",
    ".pgpass", ".my.cnf", ".npmrc", ".pypirc", ".htpasswd", ".git-credentials", ".dockercfg", ".vault-token",
    "credentials", "credentials.json", "credentials.y*ml", "credentials.xml", "credentials.toml",
    "credentials.ini", "credentials.csv", "credentials.properties", "secrets.json", "secrets.y*ml",
    "secrets.toml", "secrets.ini", "secrets.properties", "client_secret*.json", "service-account*.json",
    "service_account*.json", "kubeconfig", "*.kubeconfig", "*.dockerconfigjson",
)  # fmt: skip
_SECRET_PATHS = ("*/.docker/config.json", "*/.kube/config", "*/.ssh/*", "*/.gnupg/*", "*/.aws/*")


# --------------------------------------------------------------------------- known formats


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    keywords: tuple[str, ...]
    """At least one of them must occur, letter for letter, before the pattern is tried."""
    pattern: re.Pattern[str]


def _rule(name: str, keywords: str, pattern: str) -> _Rule:
    return _Rule(name, tuple(keywords.split()), re.compile(pattern))


# Every pattern begins with a literal (or a short class behind a word boundary) and repeats are bounded.
_RULES = (
    _rule("aws-access-key", "AKIA ASIA ABIA ACCA", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    _rule("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{20,255}"),
    _rule("github-fine-grained", "github_pat_", r"github_pat_[A-Za-z0-9_]{20,255}"),
    _rule("gitlab-token", "gl", r"\bgl(?:pat|ptt|dt|rt|cbt|ft|soat|agent|oas|imt|ffct)-[\w.-]{20,300}"),
    _rule("slack-token", "xox xapp-", r"\b(?:xox[abeoprs](?:\.xox[bp])?|xapp)-[A-Za-z0-9-]{10,300}"),
    _rule("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/[a-z]{4,12}/[\w/]{20,200}"),
    _rule("stripe-key", "k_live_ k_test_ k_prod_", r"\b[srp]k_(?:live|test|prod)_[A-Za-z0-9]{10,200}"),
    _rule("webhook-secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{20,200}"),
    _rule("model-key", "sk-", r"\bsk-[A-Za-z0-9_-]{20,300}"),
    _rule("model-key", "gsk_ xai- pplx- r8_ csk-", r"\b(?:gsk_|xai-|pplx-|r8_|csk-)[A-Za-z0-9]{24,200}"),
    _rule("google-api-key", "AIza", r"AIza[\w-]{35}"),
    _rule("google-oauth", "ya29. GOCSPX-", r"(?:ya29\.|GOCSPX-)[\w-]{20,500}"),
    _rule("npm-token", "npm_", r"\bnpm_[A-Za-z0-9]{36}"),
    _rule("pypi-token", "pypi-", r"pypi-[\w-]{50,1000}"),
    _rule("twilio-key", "SK AC", r"\b(?:SK|AC)[0-9a-f]{32}\b"),
    _rule("sendgrid-key", "SG.", r"\bSG\.[\w-]{16,64}\.[\w-]{16,64}"),
    _rule("mail-key", "key-", r"\bkey-[0-9a-f]{32}\b"),
    _rule("mailchimp-key", "-us", r"\b[0-9a-f]{32}-us[0-9]{1,2}\b"),
    _rule("digitalocean-token", "_v1_", r"\bdo[oprt]_v1_[0-9a-f]{64}"),
    _rule("heroku-key", "HRKU-", r"HRKU-[\w-]{36,100}"),
    _rule("huggingface-token", "hf_ api_org_", r"\b(?:hf_|api_org_)[A-Za-z0-9]{30,64}"),
    _rule("databricks-token", "dapi", r"\bdapi[0-9a-f]{32}(?:-[0-9])?"),
    _rule("shopify-token", "shp", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _rule("square-token", "sq0 EAAA", r"\b(?:sq0[a-z]{3}-[\w-]{22,60}|EAAA[\w-]{60})"),
    _rule("facebook-token", "EAA", r"\bEAA[A-Za-z0-9]{60,300}"),
    _rule("telegram-token", ":AA", r"\b[0-9]{8,10}:AA[\w-]{32,35}"),
    _rule("discord-webhook", "/api/webhooks/", r"/api/webhooks/[0-9]{15,22}/[\w-]{50,100}"),
    _rule("discord-token", ".", r"\b[MNO][A-Za-z0-9_-]{23,27}\.[\w-]{6}\.[\w-]{27,40}"),
    _rule("grafana-token", "glsa_ glc_", r"\bgl(?:sa|c)_[A-Za-z0-9+/=_]{32,400}"),
    _rule("linear-key", "lin_", r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,64}"),
    _rule("notion-token", "ntn_ secret_", r"\b(?:ntn_[A-Za-z0-9]{40,60}|secret_[A-Za-z0-9]{43})\b"),
    _rule("postman-key", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _rule("newrelic-key", "NRAK- NRJS- NRII-", r"\bNR(?:AK|JS|II)-[\w-]{19,60}"),
    _rule("sentry-token", "sntrys_ sntryu_", r"\bsntry[su]_[\w+/=]{40,400}"),
    _rule("vault-token", "hvs. hvb. hvr.", r"\bhv[sbr]\.[\w-]{24,400}"),
    _rule("terraform-token", ".atlasv1.", r"\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,100}"),
    _rule("doppler-token", "dp.", r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{40,100}"),
    _rule("planetscale-token", "pscale_", r"\bpscale_(?:tkn|pw|oauth)_[\w.=-]{32,100}"),
    _rule("azure-key", "AccountKey= AccessKey=", r"(?:Account|Access)Key=[A-Za-z0-9+/]{40,100}={0,2}"),
    _rule("azure-client-secret", "8Q~ 7Q~", r"\b[\w.~-]{3}[78]Q~[\w.~-]{31,34}"),
    _rule("docker-token", "dckr_", r"\bdckr_(?:pat|oat)_[\w-]{24,100}"),
    _rule("docker-config", "JhdXRocyI6 ImF1dGhzIj iYXV0aHMiO",  # `"auths":` in base64, three offsets
          r"\be[wy][\w+/]{0,16}?(?:JhdXRocyI6|ImF1dGhzIj|iYXV0aHMiO)[\w+/]{10,20000}={0,2}"),
    _rule("rubygems-key", "rubygems_", r"\brubygems_[0-9a-f]{48}"),
    _rule("crates-token", "cio", r"\bcio[A-Za-z0-9]{32}\b"),
    _rule("age-key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    _rule("atlassian-token", "ATATT3 ATCTT3", r"\bAT[AC]TT3[\w=-]{60,400}"),
    _rule("airtable-token", "pat", r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    _rule("figma-token", "fig", r"\bfig[dou]r?_[\w-]{36,100}"),
    _rule("supabase-key", "sbp_ sb_secret_", r"\bsb(?:p|_secret)_[\w-]{20,100}"),
    _rule("fly-token", "fm1 fm2 fo1_", r"\b(?:fm[12][ar]?_|fo1_)[\w+/=-]{40,1000}"),
    _rule("pulumi-token", "pul-", r"\bpul-[0-9a-f]{40}"),
    _rule("dynatrace-token", "dt0c01.", r"\bdt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _rule("json-web-token", "eyJ", r"\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,6000}\.[\w-]{10,2000}"),
    _rule("url-password", "://", r"(?<=://)[^\s:/@\"'<>{}$%]{0,100}:(?!\*{3})[^\s:/@\"'<>{}$]{3,200}(?=@[\w\[])"),
    _rule("bearer", "earer asic", r"\b(?:[Bb]earer|[Bb]asic) +(?=[\w.~+/-]{0,40}[0-9])[\w.~+/-]{20,2000}"),
)  # fmt: skip

_ARMOUR = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-[0-9]")
_ARMOUR_LIMIT = 20_000
_KEY_LINE = re.compile(r"[\s+|>#*\"'-]{0,12}[A-Za-z0-9+/=]{16,100}[\s\"',\\n+]{0,6}|[\s+-]{0,12}")
# A diff may show the middle of a key without its first line: three full lines of random base64 in a row.
_BASE64_LINE = re.compile(r"^[ \t+\"'-]{0,40}([A-Za-z0-9+/]{60,76})[\"'\\n,+ \t]{0,8}\r?$", re.MULTILINE)

Span = tuple[int, int, str]


def _spans(text: str) -> Iterator[Span]:
    for rule in _RULES:
        if any(word in text for word in rule.keywords):
            for match in rule.pattern.finditer(text):
                yield match.start(), match.end(), rule.name
    yield from _private_keys(text)
    yield from _base64_blocks(text)
    yield from _assignments(text)
    yield from _fields(text)
    yield from _logins(text)


def _private_keys(text: str) -> Iterator[Span]:
    end = 0
    for match in _ARMOUR.finditer(text):
        if match.start() < end:
            continue
        last = text.find("-----END", match.end(), match.end() + _ARMOUR_LIMIT)
        if last >= 0:
            close = text.find("-----", last + 8, last + 100)
            end = close + 5 if close >= 0 else last + 8
        else:
            end = _end_of_cut_key(text, match.end())
        yield match.start(), end, "private-key"


def _end_of_cut_key(text: str, start: int) -> int:
    """Where a key without its last line ends: after the lines that look like its base64."""
    end = text.find("\n", start) + 1 or len(text)
    while end < min(len(text), start + _ARMOUR_LIMIT):
        after = text.find("\n", end) + 1 or len(text)
        if not _KEY_LINE.fullmatch(text[end : min(after, end + 200)]):
            break
        end = after
    return end


def _base64_blocks(text: str) -> Iterator[Span]:
    run: list[re.Match[str]] = []
    for match in _BASE64_LINE.finditer(text):
        if run and match.start() > run[-1].end() + 2:
            yield from _block(run)
            run = []
        run.append(match)
    yield from _block(run)


def _block(run: list[re.Match[str]]) -> Iterator[Span]:
    if len(run) >= 3 and _entropy("".join(match[1] for match in run[:8])) >= 4.8:
        yield run[0].start(1), run[-1].end(1), "base64-block"


# --------------------------------------------------------------------------- assignments

_NAMES = (
    r"passw(?:or)?d|passphrase|passwd|[_-]pass(?=[\"'\]\s:=])|\bpwd|_pwd|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|"
    r"private[_-]?key|encryption[_-]?key|signing[_-]?key|master[_-]?key|account[_-]?key|credential"
)
# Behind the name a plain word may not go on: ``token_id`` and ``tokenId`` are names, ``tokenizer`` is not.
_ASSIGNMENT = re.compile(
    rf"(?P<name>(?i:{_NAMES}))s?(?![a-z])(?P<rest>[\w.-]{{0,30}})[\"'\]\\]{{0,3}}"
    r"[ \t]{0,8}(?P<sign>:=|=>|==?|:|,|>)[ \t]{0,8}[rbufRBUF]{0,2}\\{0,2}"
    r"(?:(?P<quote>[\"'`])(?P<quoted>(?:(?!(?P=quote))[^\s]){6,400})(?P=quote)|(?P<bare>[^\s\"'`<;,]{8,400}))"
)
_FLAG = re.compile(rf"(?:{_NAMES})[ \t]{{1,4}}[\"']?(?P<value>[^\s\"'`]{{8,400}})", re.IGNORECASE)
_HINTS = ("pass", "pwd", "secret", "token", "key", "credential")
# ``export DB_PASSWORD=``, ``  password: `` and ``spring.datasource.password = `` alone on their line.
_ALONE = re.compile(r"[+ -]?\s{0,40}(?:export\s|set\s|ENV\s|ARG\s|- )?\s{0,8}[\w.-]{1,80}[\"']?\s{0,8}")
_PASSWORD = re.compile(r"passw(?:or)?d|passwd|passphrase|_?pwd", re.IGNORECASE)
_STOP = re.compile(
    r"example|sample|placeholder|your|here|change|replace|insert|dummy|fake|mock|test|demo|default|none|null|true|"
    r"false|undefined|secrets?|passw(?:or)?d|passwd|tokens?|api|keys?|value|string|xxx+|\*\*\*+|\.\.\.+|abc|"
    r"1234567890|123456789|12345678|1234567|123456|foo|bar|baz|user|name|invalid|wrong|redacted|access|private|"
    r"public|client|credentials?|auth|bearer|basic|header|env|config|settings?|[_.\-]",
    re.IGNORECASE,
)
_CODE = re.compile(r"[(){}\[\]<>$]|::|->|^[a-z_]\w*(?:\.\w+)+$|^[a-z]\w*[:/]/|^[./~\\]|^%|/\*")
_TEMPLATE = re.compile(
    r"\$\{|\{\{|\{[\w.!:]*\}|%[sd(]|<[\w -]+>|\(\)|^[./~\\]|^\$\w+$|::|->|^[a-z_]\w*(?:\.[A-Za-z_]\w*)+$"
)
_WORDS = re.compile(r"^[A-Za-z]+(?:[_\-./:][A-Za-z0-9]+)*$")
_BARE = re.compile(r"[\w+/=.~!@#%^&*-]+")


def _assignments(text: str) -> Iterator[Span]:
    start = 0
    for line in text.splitlines(keepends=True):
        lower = line.lower()
        if any(hint in lower for hint in _HINTS):
            yield from _in_line(line, start)
        start += len(line)


def _in_line(line: str, start: int) -> Iterator[Span]:
    for match in _ASSIGNMENT.finditer(line):
        part = "quoted" if match["quote"] else "bare"
        if _assigned_secret(match, line):
            yield start + match.start(part), start + match.end(part), "assignment"
    for match in _FLAG.finditer(line):
        word = re.split(r"[\s=]", line[max(0, match.start() - 40) : match.start()])[-1]
        if word.startswith("-") and (_looks_secret(match["value"]) or _looks_random(match["value"])):
            yield start + match.start("value"), start + match.end("value"), "flag-value"


# Kubernetes and compose name a variable on one line and give its value on the next.
_FIELD = re.compile(
    rf"\bname[\"']?[ \t]{{0,4}}:[ \t]{{0,4}}[\"']?[\w.-]{{0,60}}?(?i:{_NAMES}|pass\b)[\w.-]{{0,30}}[\"']?,?"
    r"[ \t]{0,8}\r?\n[ \t+-]{0,40}[\"']?value[\"']?[ \t]{0,4}:[ \t]{0,4}[\"']?(?P<value>[^\s\"']{6,400})"
)
# What a login hands over: to a program by its option, to a server by its header, to a call as a pair.
_LOGINS = (
    _rule("login", "-u --user --proxy-user", r"(?<=\s)(?:-u|--(?:proxy-)?user)[ =]?[\"']?[\w.@+-]{1,80}:"
          r"(?P<value>[^\s\"'`]{6,200})"),
    _rule("docker-login", '"auth', r'"(?:auth|identitytoken)\\?"[ \t]{0,4}:[ \t]{0,4}\\?"'
          r'(?P<value>[\w+/=.-]{8,4000})\\?"'),
    _rule("login", "mysql mariadb", r"\b(?:mysql|mariadb)(?:-?(?:dump|admin|import|check))?\b[^\n|;`]{0,120}?"
          r"\s-p[\"']?(?P<value>[^\s\"'`-][^\s\"'`]{5,200})"),
    _rule("authorization", "uthorization", r"[Aa]uthorization[\"']?\]?[ \t]{0,4}[:=,][ \t]{0,4}[\"']?"
          r"(?:[Tt]oken|[Bb]asic|[Bb]earer|[Dd]igest|[Aa]pi[Kk]ey)[ =]{1,4}(?P<value>[\w.~+/=-]{8,2000})"),
    _rule("login", "redential REDENTIAL auth AUTH login", r"(?:redentials?|REDENTIALS?|auth|AUTH|login)"
          r"[ \t]{0,4}[:=][ \t]{0,4}[(\[][ \t]{0,4}[\"'][^\"'\n]{1,80}[\"'],[ \t]{0,4}[\"']"
          r"(?P<value>[^\"'\s]{6,200})[\"']"),
)  # fmt: skip
_COOKIES = re.compile(
    r"\b[Cc]ookie[\"']?[ \t]{0,4}[:,][ \t]{0,4}[\"']?(?P<pairs>[\w.-]{1,60}=[^\"'\n]{1,4000})"
)
_COOKIE = re.compile(r"=(?P<value>[^;\s]{8,4000})")


def _fields(text: str) -> Iterator[Span]:
    for match in _FIELD.finditer(text) if "value" in text else ():
        if _looks_secret(match["value"]):
            yield *match.span("value"), "assignment"


def _logins(text: str) -> Iterator[Span]:
    for rule in _LOGINS:
        for match in rule.pattern.finditer(text) if any(word in text for word in rule.keywords) else ():
            if _looks_secret(match["value"]):
                yield *match.span("value"), rule.name
    for header in _COOKIES.finditer(text) if "ookie" in text else ():
        for match in _COOKIE.finditer(text, *header.span("pairs")):
            if _looks_secret(match["value"]):
                yield *match.span("value"), "cookie"


def _assigned_secret(match: re.Match[str], line: str) -> bool:
    sign, bare = match["sign"], match["bare"]
    plain = not match["rest"] and _PASSWORD.fullmatch(match["name"]) is not None
    if bare is None:
        value = match["quoted"]
        return _looks_secret(value) or (plain and sign != "," and _looks_chosen(value))
    if sign == ">":
        return _looks_secret(bare)
    if sign not in ("=", ":"):
        return False
    alone = _ALONE.fullmatch(line[: match.start("sign")]) and not line[match.end() :].strip()
    field = line[max(0, match.start() - 1) : match.start()] in tuple("?&;") and sign == "="
    bare = bare.rstrip(")]}")
    return not _CODE.search(bare) and (_looks_secret if alone or field else _looks_random)(bare)


def _looks_chosen(value: str) -> bool:
    """For what stands in quotes behind ``password`` itself: no digit is needed, only no common word."""
    return len(_STOP.sub("", value)) >= 8 and not _TEMPLATE.search(value) and _entropy(value) >= 2.5


def _looks_secret(value: str) -> bool:
    """For a value in quotes or in an environment file: digits or signs among letters, and no common word."""
    rest = _STOP.sub("", value)
    if len(rest) < 6 or _TEMPLATE.search(value):
        return False
    letters = sum(c.isalpha() for c in rest)
    digits = sum(c.isdigit() for c in rest)
    signs = sum(c in "!@#%^&*+=~" for c in rest)
    if not letters or not (digits or signs) or (_WORDS.match(value) and digits < 4 and len(value) < 20):
        return False
    return _entropy(value) >= (2.5 if len(value) < 20 else 3.0)


def _looks_random(value: str) -> bool:
    """For a bare value in code or prose, where most values are names: long, mixed and without words."""
    if len(value) < 12 or not _BARE.fullmatch(value) or _CODE.search(value):
        return False
    rest = _STOP.sub("", value)
    digits = sum(c.isdigit() for c in rest)
    if len(rest) < 10 or digits < 2 or digits == len(rest):
        return False
    mixed = any(c.isupper() for c in rest) and any(c.islower() for c in rest)
    long_hex = len(value) >= 24 and all(c in "0123456789abcdefABCDEF-" for c in value)
    signs = any(c in "!@#%^&*+/=~" for c in rest)
    return (mixed or long_hex or signs or len(rest) >= 24) and _entropy(value) >= 3.2


def _entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


# --------------------------------------------------------------------------- replacing


def _merged(spans: Iterator[Span]) -> list[Span]:
    """Sorted, overlapping spans joined under the name of the first (widest) one."""
    joined: list[Span] = []
    for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
        if joined and start < joined[-1][1]:
            first, last, kept = joined[-1]
            joined[-1] = (first, max(last, end), kept)
        else:
            joined.append((start, end, name))
    return joined


def _replaced(text: str, spans: list[Span]) -> Redacted:
    parts: list[str] = []
    findings: list[Finding] = []
    at, line = 0, 1
    for start, end, name in spans:
        line += text.count("\n", at, start)
        findings.append(Finding(name, line))
        line += text.count("\n", start, end)
        parts += (text[at:start], f"[redacted:{name}]")
        at = end
    return Redacted("".join(parts) + text[at:], tuple(findings))
