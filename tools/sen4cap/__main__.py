"""`python -m sen4cap` is `sen4cap`."""

from .cli import main

main(prog_name="sen4cap")
