"""What a person, an agent or git asks for: one file a flow, each a page that reads as a sentence a line.

- reading: ``prime`` the briefing, ``status`` what is true, ``gate`` what a branch makes false, ``targeting``
- the write line: ``sync``, its ``mending``, ``worker`` in the background, ``publish`` as commit or request
- people and notes: ``authoring``, ``review``, ``resolve``, ``restamp`` before a commit, ``provenance``
- agents: ``events`` of their sessions, ``edits`` around an edit, ``sessions``, ``handover`` to the next one
- memory: ``memories``, ``consolidate``, ``stash``, ``export``
- the clone: ``initialise``, ``doctor``, ``grants``, ``watch``; ``dashboard``, the page for people

A flow opens nothing by itself: it gets a ``project.Project`` and calls the floors below.
"""
