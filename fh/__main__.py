"""`python -m fh` and the command `fh`."""

from fh.cli import add_installed_commands, fh


def main() -> None:
    """Run the command line."""
    add_installed_commands()
    fh(prog_name="fh")


if __name__ == "__main__":
    main()
