"""The bridge to SDV and CTGAN: rows out of their models, and our rows out to them. Client-side only."""
