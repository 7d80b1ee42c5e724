"""The command `repl`: parse, call the engine, choose the exit code."""
