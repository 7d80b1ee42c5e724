"""Values to text: what people and programs read. No I/O; every text ends with a line end."""
