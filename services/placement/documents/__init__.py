"""The contract as a document for people, in Bulgarian and English."""
