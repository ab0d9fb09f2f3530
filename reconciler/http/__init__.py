"""One transport for both APIs: auth, retry, rate limit, redaction."""
