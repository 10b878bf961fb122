"""``python -m agentctx``."""

from agentctx.cli.main import main

main()
