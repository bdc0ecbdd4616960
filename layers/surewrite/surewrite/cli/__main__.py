"""`python -m surewrite.cli`."""

from . import main

main()
