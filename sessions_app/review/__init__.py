"""Reviewing a transcript: reading it line by line in one language, and changing it without loss."""
