"""Every way the artifact store, uploads, runs and default models can refuse or fail."""

from __future__ import annotations

from services.chassis.errors import ErrorKind, Reason, register_reasons

register_reasons(
    {
        # The store itself.
        "STORE_URL_INVALID": Reason(
            ErrorKind.USAGE, "INVALID_ARGUMENT", "Give a directory, file:///directory or s3://bucket/prefix."
        ),
        "STORE_NOT_ATOMIC": Reason(
            ErrorKind.UNAVAILABLE,
            "FAILED_PRECONDITION",
            "Use a store whose conditional create is atomic: a local disk with hard links, or a current S3 server.",
        ),
        # Artifacts.
        "ARTIFACT_NAME_INVALID": Reason(
            ErrorKind.USAGE, "INVALID_ARGUMENT", "Artifact names look like machines/{machine}/{kind}/{hash}."
        ),
        "ARTIFACT_NOT_FOUND": Reason(
            ErrorKind.NOT_FOUND, "NOT_FOUND", "List the machine's artifacts and use one of their names."
        ),
        "ARTIFACT_FILE_MISSING": Reason(
            ErrorKind.NOT_FOUND, "NOT_FOUND", "Get the artifact and use one of its file names."
        ),
        "ARTIFACT_COLUMN_MISSING": Reason(
            ErrorKind.USAGE, "INVALID_ARGUMENT", "Get the artifact and use one of the file's columns."
        ),
        "ARTIFACT_CORRUPT": Reason(
            ErrorKind.INTERNAL, "DATA_LOSS", "Delete the artifact and run the step that makes it again."
        ),
        "ARTIFACT_IN_USE": Reason(
            ErrorKind.CONFLICT, "FAILED_PRECONDITION", "Activate another model, or wait for the job, then delete again."
        ),
        "DERIVATION_INVALID": Reason(
            ErrorKind.USAGE,
            "INVALID_ARGUMENT",
            "Parameters are JSON values with finite numbers; correct the one named.",
        ),
        # Uploads.
        "UPLOAD_NOT_FOUND": Reason(ErrorKind.NOT_FOUND, "NOT_FOUND", "Create the upload again and send the file."),
        "UPLOAD_EMPTY": Reason(ErrorKind.INPUT, "INVALID_ARGUMENT", "Send a file that has contents."),
        "UPLOAD_OFFSET": Reason(
            ErrorKind.CONFLICT, "OUT_OF_RANGE", "Read the upload's committed_bytes and continue from there."
        ),
        "UPLOAD_TOO_LONG": Reason(
            ErrorKind.USAGE, "OUT_OF_RANGE", "Create a new upload that announces the file's size as it is now."
        ),
        "UPLOAD_CHUNK_CORRUPT": Reason(ErrorKind.UNAVAILABLE, "ABORTED", "Send it again from committed_bytes."),
        "UPLOAD_INCOMPLETE": Reason(
            ErrorKind.CONFLICT, "FAILED_PRECONDITION", "Send the missing bytes from committed_bytes, then finish."
        ),
        "UPLOAD_DIGEST_MISMATCH": Reason(
            ErrorKind.INPUT, "DATA_LOSS", "The file changed while it was sent; upload it again with a new request_id."
        ),
        # Runs and default models.
        "RUN_NOT_FOUND": Reason(ErrorKind.NOT_FOUND, "NOT_FOUND", "List the runs and use one of their names."),
        "RUN_CHANGED": Reason(ErrorKind.CONFLICT, "ABORTED", "Read the run again and decide on what it says now."),
        "DEFAULT_CHANGED": Reason(
            ErrorKind.CONFLICT, "ABORTED", "Read the machine's default model again and decide on what it is now."
        ),
        "DEFAULT_NO_PREVIOUS": Reason(
            ErrorKind.CONFLICT, "FAILED_PRECONDITION", "There is nothing to return to; activate a model instead."
        ),
        "MODEL_EXPECTED": Reason(
            ErrorKind.USAGE, "INVALID_ARGUMENT", "Name a model of this machine: machines/{machine}/models/{hash}."
        ),
    }
)
