"""`python -m bot` is `twokey`."""

from bot.cli import main

main()
