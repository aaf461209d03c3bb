#!/bin/sh
# Run one test file, whatever it is, to TAP: prove's interpreter. One that hangs fails.
limit='timeout -k 10 1500'
case $1 in
*.bats) exec $limit bats --tap "$1" ;;
*.py) CRASH_SCALE=${CRASH_SCALE:-0.27} exec $limit python3 "$1" --tap ;;
*) exec $limit "$1" ;;
esac
