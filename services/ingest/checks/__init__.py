"""What is known about a table once it is read: validation, its reports, cleaning, columns, preview."""
