"""The artifact store: immutable bytes with manifests, lineage and create-only journals, on a directory or on S3."""
