"""A small web-shop back office to practise on: real pages, known truth, faults on request.

What lives here: a self-contained ASGI application (`app.create_app`) that automations, tests, benchmarks and the demo
drive. It keeps everything in memory, repeats itself for a given seed, and tells its ground truth as JSON at `/_truth`.
It imports nothing else of webgraph, and nothing of webgraph may import it.
"""
