"""`python -m lossdsl` is the command line."""

from lossdsl.cli import main

if __name__ == "__main__":
    main()
