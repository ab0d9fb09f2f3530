"""Reports as Markdown for a forge's comment."""
