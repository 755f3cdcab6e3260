"""Notices in words: from facts to a document in Bulgarian and in English, the same for the same facts."""
