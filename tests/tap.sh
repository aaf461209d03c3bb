#!/bin/sh
# Run one test file, whatever it is, to TAP: prove's interpreter.
case $1 in
*.bats) exec bats --tap "$1" ;;
*) exec "$1" ;;
esac
