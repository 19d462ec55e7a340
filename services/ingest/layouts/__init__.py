"""Tables as exports lay them out (long, paired, in blocks, on their side), made wide: a row a time, a column a tag."""
