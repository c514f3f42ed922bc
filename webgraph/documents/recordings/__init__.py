"""Flow documents from what Chrome's DevTools Recorder exports (its JSON, as `@puppeteer/replay` describes it).

`importing.import_recording` is all that others call.
"""
