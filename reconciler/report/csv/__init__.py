"""Reports as CSV for a spreadsheet."""
