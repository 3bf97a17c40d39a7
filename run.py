"""`python run.py [--demo]`: the one command that starts everything, and stops it again on Ctrl-C."""

import sys

from runner.start import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
