"""agentctx: the memory that a repository keeps for its coding agents, and keeps true."""

__version__ = "0.1.0"
