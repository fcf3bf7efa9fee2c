"""What one row of a source is to a network, one kind of input a file."""
