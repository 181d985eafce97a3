"""`python -m fh` and the command `fh`."""

from fh.cli import fh


def main() -> None:
    """Run the command line."""
    fh(prog_name="fh")


if __name__ == "__main__":
    main()
