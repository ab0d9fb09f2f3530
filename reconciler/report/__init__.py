"""Renderers: pure functions from values to text, JSON, Markdown, SARIF, JUnit and HTML."""
