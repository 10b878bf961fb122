"""Is there a request for which the server has no answer? schemathesis over the page of ``agentctx serve``.

It needs the program ``schemathesis`` (``pip install schemathesis``, an environment of its own will do); every
request that it makes out of ``/openapi.json`` must get an answer below 500. Run it with ``bench/openapi``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.soak import Server


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench/openapi", description=__doc__.splitlines()[0])
    parser.add_argument("--schemathesis", default="schemathesis", help="the program")
    parser.add_argument("--examples", type=int, default=25, help="made up for each operation")
    parser.add_argument("--dsn", default="", help="a PostgreSQL instead of SQLite")
    arguments = parser.parse_args(argv)
    if shutil.which(arguments.schemathesis) is None:
        sys.exit("schemathesis is not installed: pip install schemathesis, or --schemathesis PROGRAM")
    with tempfile.TemporaryDirectory(prefix="agentctx-bench-") as name:
        folder = Path(name)
        git = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-C", name)
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "begin"], check=True)
        server = Server(folder, {**os.environ, "HOME": name, "AGENTCTX_DSN": arguments.dsn})
        server.start()
        try:
            page = f"http://127.0.0.1:{server.port}/openapi.json"
            done = subprocess.run(
                [arguments.schemathesis, "run", page, "--checks", "not_a_server_error", "--mode", "all",
                 "--phases", "examples,coverage,fuzzing", "--max-examples", str(arguments.examples)],
                check=False,
            )  # fmt: skip
        finally:
            server.kill()
        answers = re.findall(r'"status": (\d+)', "".join(p.read_text() for p in folder.glob("server-*.log")))
    print(json.dumps({"answers": len(answers), "of them 5xx": sum(a >= "500" for a in answers)}))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
