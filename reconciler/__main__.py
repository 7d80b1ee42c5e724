"""`python -m reconciler` is the command `repl`."""

from reconciler.cli.app import main

if __name__ == "__main__":
    main()
