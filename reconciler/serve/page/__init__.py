"""The page for people: templates, static files, and what turns facts into both."""
