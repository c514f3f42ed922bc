"""Automations written as data: flow documents in YAML or JSON, checked with path and line, run like any other.

`reading.read_flow` turns text into a checked `Flow`, `compiling.automation_from` turns that into an `Automation`
subclass, so that supervisor, runner and evidence need no second path. `recordings/` writes documents from what Chrome's
DevTools Recorder exports. Knows no database: where shared documents come from is the caller's loader.
"""
