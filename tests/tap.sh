#!/bin/sh
# Run one test file, whatever it is, to TAP: prove's interpreter.
case $1 in
*.bats) exec bats --tap "$1" ;;
*.py) CRASH_SCALE=${CRASH_SCALE:-0.15} exec python3 "$1" --tap ;;
*) exec "$1" ;;
esac
