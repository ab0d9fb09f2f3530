"""One transport for both APIs: login, retry, rate limit, redaction, tracing hooks. Import from its modules.

`client` is what providers build on. `connections` chooses who sends: an `Engine`, over aiohttp or over httpx.
"""
