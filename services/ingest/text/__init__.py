"""Text files before they are tables: encoding, records, quotes, delimiter and layout."""
