"""No secret leaves: known formats, private keys, assignments, secret files; few false alarms."""

from __future__ import annotations

import base64
import json
import random
import string
import sysconfig
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctx import hygiene
from agentctx.errors import Unscanned
from agentctx.hygiene import redact, secret_file

_dice = random.Random(20260415)
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
URLSAFE = ALNUM + "_-"


def _some(count: int, alphabet: str = ALNUM) -> str:
    return "".join(_dice.choice(alphabet) for _ in range(count))


def _pem(kind: str) -> str:
    lines = "\n".join(_some(64, ALNUM + "+/") for _ in range(6))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----"


# Put together at run time: no key, not even a made-up one, stands whole in this file.
SECRETS = {
    "aws-access-key": "AKIA" + _some(16, string.ascii_uppercase + string.digits),
    "aws-session-key": "ASIA" + _some(16, string.ascii_uppercase + string.digits),
    "github-personal": "ghp_" + _some(36),
    "github-oauth": "gho_" + _some(36),
    "github-app": "ghs_" + _some(36),
    "github-fine-grained": "github_pat_" + _some(22) + "_" + _some(59),
    "gitlab-personal": "glpat-" + _some(20, URLSAFE),
    "gitlab-runner": "glrt-" + _some(24, URLSAFE),
    "slack-bot": "xoxb-" + _some(12, string.digits) + "-" + _some(12, string.digits) + "-" + _some(24),
    "slack-user": "xoxp-" + _some(12, string.digits) + "-" + _some(32, HEX),
    "slack-app": "xapp-1-" + _some(11) + "-" + _some(13, string.digits) + "-" + _some(64, HEX),
    "slack-webhook": "https://hooks.slack.com/services/T" + _some(8) + "/B" + _some(8) + "/" + _some(24),
    "stripe-live": "sk_live_" + _some(24),
    "stripe-test": "sk_test_" + _some(24),
    "stripe-restricted": "rk_live_" + _some(24),
    "stripe-webhook": "whsec_" + _some(32),
    "openai": "sk-" + _some(48),
    "openai-project": "sk-proj-" + _some(100, URLSAFE),
    "anthropic": "sk-ant-api03-" + _some(93, URLSAFE) + "AA",
    "groq": "gsk_" + _some(52),
    "google-api": "AIza" + _some(35, URLSAFE),
    "google-oauth": "ya29." + _some(68, URLSAFE),
    "google-client": "GOCSPX-" + _some(28, URLSAFE),
    "npm": "npm_" + _some(36),
    "pypi": "pypi-AgEIcHlwaS5vcmc" + _some(120, URLSAFE),
    "twilio": "SK" + _some(32, HEX),
    "sendgrid": "SG." + _some(22, URLSAFE) + "." + _some(43, URLSAFE),
    "mailgun": "key-" + _some(32, HEX),
    "mailchimp": _some(32, HEX) + "-us14",
    "digitalocean": "dop_v1_" + _some(64, HEX),
    "heroku": "HRKU-" + _some(60, URLSAFE),
    "huggingface": "hf_" + _some(34),
    "databricks": "dapi" + _some(32, HEX),
    "shopify": "shpat_" + _some(32, HEX),
    "square": "sq0atp-" + _some(22, URLSAFE),
    "telegram": _some(10, "123456789") + ":AA" + _some(33, URLSAFE),
    "discord-webhook": "https://discord.com/api/webhooks/"
    + _some(18, "123456789")
    + "/"
    + _some(68, URLSAFE),
    "discord-bot": "M" + _some(23) + "." + _some(6) + "." + _some(27, URLSAFE),
    "grafana": "glsa_" + _some(32) + "_" + _some(8, HEX),
    "linear": "lin_api_" + _some(40),
    "notion": "ntn_" + _some(46),
    "postman": "PMAK-" + _some(24, HEX) + "-" + _some(34, HEX),
    "newrelic": "NRAK-" + _some(27, string.ascii_uppercase),
    "sentry": "sntrys_" + _some(80),
    "vault": "hvs." + _some(90, URLSAFE),
    "terraform": _some(14) + ".atlasv1." + _some(64),
    "doppler": "dp.pt." + _some(43),
    "planetscale": "pscale_tkn_" + _some(43, URLSAFE),
    "azure-storage": "AccountKey=" + _some(86, ALNUM + "+/") + "==",
    "docker": "dckr_pat_" + _some(27, URLSAFE),
    "rubygems": "rubygems_" + _some(48, HEX),
    "atlassian": "ATATT3xFfGF0" + _some(180, URLSAFE),
    "json-web-token": "eyJ" + _some(33) + ".eyJ" + _some(80) + "." + _some(43, URLSAFE),
    "url-password": "postgres://svc:" + _some(14) + "@db.example.com/app",
    "bearer": "Authorization: Bearer " + _some(40) + "7",
    "private-key": _pem("RSA PRIVATE KEY"),
    "openssh-key": _pem("OPENSSH PRIVATE KEY"),
    "pgp-key": _pem("PGP PRIVATE KEY BLOCK"),
    "aws-secret": "aws_secret_access_key = " + _some(40, ALNUM + "/+"),
    "password-in-quotes": 'password = "' + _some(9) + '4!x"',
    "environment-file": "\nDB_PASSWORD=" + _some(10) + "!9\n",
    "json-client-secret": '"client_secret": "' + _some(32, HEX) + '"',
    "environment-in-code": 'os.environ["DB_PASS"] = "k8' + _some(11) + '"',
    "option-of-curl": "curl -u admin:s3" + _some(11) + " https://db.example.com",
    "long-option-of-curl": "curl --user 'admin:s3" + _some(11) + "'",
    "field-of-kubernetes": "env:\n- name: DB_PASSWORD\n  value: s3" + _some(11),
    "field-of-kubernetes-in-a-diff": '+  - name: API_TOKEN\n+    value: "s3' + _some(11) + '"',
    "token-header": "Authorization: Token 7" + _some(19),
    "token-header-in-code": '{"Authorization": "token 7' + _some(19) + '"}',
    "basic-header": "Authorization: Basic 7" + _some(11),
    "cookie": "Cookie: theme=dark; session=7" + _some(23),
    "cookie-that-is-set": "Set-Cookie: sid=7" + _some(23) + "; Path=/",
    "option-of-mysql": "mysql -u root -pS3" + _some(10) + " shop",
    "pair-of-credentials": 'credentials = ("admin", "S3' + _some(10) + '")',
}

PLACES = {
    "an added line of a diff": "@@ -1,2 +1,3 @@ f\n     retries = 3\n+    use({secret})\n     return\n",
    "a commit message": "Fix the login of the worker\n\nIt failed with {secret} since Monday, see the log.\n",
    "a yaml value in a note": "---\ntitle: Deploy\n---\nconfig:\n  value: {secret}\n  retries: 3\n",
}


LAST_MARKS = ("admin:", "value: ", " Token ", '"token ', " Basic ", "session=", "sid=", " -p", 'admin", "')


def _hidden_part(secret: str) -> str:
    """What must not survive: the secret without a scheme, a name or a host that may stay."""
    if secret.startswith("-----BEGIN"):
        return secret.splitlines()[3]
    for mark in (
        *LAST_MARKS,
        "svc:",
        "Bearer ",
        "_key = ",
        '= "',
        "PASSWORD=",
        '": "',
        "services/",
        "webhooks/",
    ):
        if mark in secret:
            return secret.split(mark, 1)[1].strip("\"'\n)}").split("@db")[0].split(" ")[0].rstrip(";")
    return secret


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_gone_wherever_it_stands(kind: str, place: str) -> None:
    text = PLACES[place].replace("{secret}", SECRETS[kind])
    cleaned = redact(text)
    assert _hidden_part(SECRETS[kind]) not in cleaned.text
    assert cleaned.findings
    assert _hidden_part(SECRETS[kind]) not in repr(cleaned.findings)
    assert "retries = 3" in cleaned.text or "since Monday" in cleaned.text or "title: Deploy" in cleaned.text


def test_there_are_sixty_secrets_in_three_places() -> None:
    assert len(SECRETS) >= 60
    assert len(PLACES) == 3


def _lines_of_code() -> list[str]:
    folders = [Path(sysconfig.get_paths()["stdlib"]), Path(__file__).parents[1] / "agentctx"]
    files = [f for folder in folders for f in sorted(folder.rglob("*.py")) if "site-packages" not in f.parts]
    lines = [
        line
        for file in random.Random(7).sample(files, min(600, len(files)))
        for line in file.read_text(errors="replace").splitlines()
        if line.strip()
    ]
    return random.Random(8).sample(lines, 10_000)


def test_at_most_one_clean_line_in_a_hundred_is_flagged() -> None:
    flagged = [line for line in _lines_of_code() if redact(line).findings]
    assert len(flagged) <= 100, flagged[:10]


@pytest.mark.parametrize(
    "text",
    [
        "token = get_token(request)",
        'password = os.environ["PASSWORD"]',
        "password: str",
        '"password": "Enter password"',
        "token: ${{ secrets.GITHUB_TOKEN }}",
        'url = f"https://{user}:{password}@{host}"',
        'api_key = "your-api-key-here"',
        "max_tokens = 4096",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        'secret_name = "db-credentials-prod"',
        'tokenizer = "cl100k_base_v2"',
        "sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        'self.token = token or ""',
        "https://example.com:8080/path@2x.png",
        "docker run -u 1000:1000 image",
        "docker run --user app:application image",
        "- name: TOKEN_URL\n  value: https://login.example.com/token",
        "- name: DB_PASSWORD\n  value: $(DB_PASSWORD)",
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef: {name: db, key: password}",
        "mysql -u root -p shop",
        "mysqldump --host db -P 3306 --password",
        "Authorization: Token <your token>",
        'headers["Authorization"] = "Bearer " + token',
        "Cookie: theme=dark; lang=en-GB",
        "Set-Cookie: sid={session_id}; Max-Age=3600; SameSite=Lax",
        'credentials = ("user", "password")',
        "by_pass = compute(values)",
        "ssh -p 22 host",
    ],
)
def test_ordinary_code_stays_as_it_is(text: str) -> None:
    assert redact(text).text == text


def test_a_finding_gives_the_line_and_the_rule() -> None:
    key = SECRETS["github-personal"]
    assert redact(f"one\ntwo\n+x = {key}\nfour {key}").findings == (
        hygiene.Finding("github-token", 3),
        hygiene.Finding("github-token", 4),
    )


def test_a_key_cut_off_by_the_end_of_a_hunk_is_gone() -> None:
    pem = SECRETS["private-key"]
    body = pem.splitlines()
    without_end = "\n".join("+" + line for line in body[:-1]) + "\n def after():\n"
    without_start = "\n".join("+" + line for line in body[2:]) + "\n def after():\n"
    for text in (without_end, without_start):
        cleaned = redact(text).text
        assert not any(line in cleaned for line in body[2:-1])
        assert "def after():" in cleaned


def test_redacting_twice_changes_nothing_more() -> None:
    once = redact("\n".join(SECRETS.values())).text
    assert redact(once).text == once


@given(st.text(max_size=300))
def test_any_text_is_scanned_without_an_error(text: str) -> None:
    cleaned = redact(text)
    assert cleaned.findings or cleaned.text == text


@pytest.mark.parametrize(
    "unit",
    [
        "a", "password", "eyJ", "://", "://a:", "-----BEGIN PRIVATE KEY-----\n", "sk-", "bearer ", "token=",
        "--token ", "--password----", "0:AA", "M", "A+/9" * 16 + "\n", "token_", "x = call(arg, 'text')\n",
        "mysql ", "mysql -p", "name: pass", "name: password\nvalue: ", " -u ", " -u a:",
        "Authorization: Token ", "Cookie: a=", "cookie: a=b; ", "credentials = ('", "auth=",
    ],
)  # fmt: skip
def test_a_megabyte_takes_at_most_two_seconds(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()
    redact(text)
    assert time.process_time() - start <= 2.0


def test_an_internal_error_refuses_the_text_without_quoting_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str) -> None:
        raise ValueError(text)

    monkeypatch.setattr(hygiene, "_assignments", broken)
    with pytest.raises(Unscanned) as caught:
        redact("hunter2 hunter2")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_text_too_long_to_scan_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hygiene, "MAX_CHARACTERS", 10)
    with pytest.raises(Unscanned, match="too long"):
        redact("x" * 11)


@pytest.mark.parametrize(
    "path",
    [
        ".env", "app/.env.production", "deploy/prod.env", "certs/server.pem", "certs/server.key", "id_rsa",
        "home/.ssh/id_ed25519", "a/id_deploy", "store.p12", "store.jks", "CERT.PFX", "credentials.json",
        "config/credentials.yml", "secrets.yaml", ".npmrc", ".netrc", "infra/prod.tfvars", ".aws/config",
        "service-account-prod.json", "x/.docker/config.json", "server.crt", "root/.pgpass",
    ],
)  # fmt: skip
def test_a_file_of_secrets_is_known_by_its_path(path: str) -> None:
    assert secret_file(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/auth/tokens.py", "environment.md", "id_generator.py", "docs/credentials.md",
        "src/credentials.py", "id_rsa.pub", "key.py", "keys/readme.txt", "src/env.ts", "pem.go",
    ],
)  # fmt: skip
def test_an_ordinary_file_may_be_read(path: str) -> None:
    assert not secret_file(path)


@pytest.mark.parametrize("indent", [None, 1, 2, "\t"])
@pytest.mark.parametrize("coded", [False, True], ids=["json", "base64"])
def test_a_docker_login_does_not_leave(indent: int | str | None, coded: bool) -> None:
    login = base64.b64encode(b"robot:Xk29-sd91-Qw7").decode()
    document = json.dumps({"auths": {"registry.example.org": {"auth": login}}}, indent=indent)
    secret = base64.b64encode(document.encode()).decode() if coded else login
    manifest = f"  .dockerconfigjson: {secret if coded else document}\n"
    assert secret[24:] not in redact(manifest).text
    assert secret_file("deploy/.dockerconfigjson")
    kept = '{"auth": "required", "login": {"auth": "oauth.provider.basic"}}'
    assert redact(kept).text == kept
