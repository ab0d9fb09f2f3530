"""One transport for both APIs: login, retry, rate limit, redaction, tracing hooks. Import from its modules.

`client` is what providers build on; only it and `connections` import httpx.
"""
