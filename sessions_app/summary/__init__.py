"""How a live session went, in figures: a page, and tables for spreadsheets."""
