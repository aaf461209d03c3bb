#!/bin/sh
# SPDX-License-Identifier: ISC
# run.sh [brief]: let spin look at every state of the models; a line of TAP for each case.
# Those with a BAD_ macro are broken on purpose, and spin must say so. Memory is bounded.
set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$tmp" || exit 1
number=0
status=0

# check MODEL MACRO...: it has no error, or has one if a macro says that it is bad.
check() {
	model=$1
	shift
	number=$((number + 1))
	title="model $model $(echo "$*" | sed 's/-D//g')"
	case $* in
	*BAD_*) wanted=1 optimise=-O0 ;; # soon found
	*) wanted=0 optimise=-O1 ;;
	esac
	{
		spin "$@" -a "$here/$model.pml" &&
			${CC:-cc} -w $optimise -DSAFETY -DCOLLAPSE -DMEMLIM=2000 -o pan pan.c &&
			./pan -m100000
	} >log 2>&1
	errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' log)
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log)
	# An error ends the search; without one it must have been complete.
	if [ "${errors:-}" = "$wanted" ] && { [ "$wanted" = 1 ] ||
		! grep -q 'Search not completed' log; }; then
		echo "ok $number - $title # ${states:-?} states, $errors errors"
	else
		echo "not ok $number - $title"
		sed 's/^/# /' log
		status=1
	fi
}

check combine
check combine -DBAD_NO_ROW
check combine -DBAD_EARLY
check combine -DBAD_NOT_TAKEN
check combine -DBAD_OWN
check combine -DBAD_STEAL
check combine -DBAD_LEFT -DHIDDEN=1
check combine -DBAD_LOST -DREPLACED=1
check combine -DBAD_LOST -DHIDDEN=1
check combine -DBAD_GENERATION -DREPLACED=1 -DEACH=2
check combine -DBAD_UNTOLD -DFAILURES=1
check lease
check lease -DBAD_FENCE
check lease -DBAD_LATE
check lease -DBAD_UNSEEN
check lease -DBAD_EARLY
check lease -DBAD_PROBE
check lease -DBAD_REPLACED -DREPLACED=1
check wake -DTAKERS=2
check wake -DBAD_FLAG
check wake -DBAD_ORDER
check stand
check stand -DBAD_COUNT
check stand -DBAD_CALL
check stand -DBAD_CALLED
check stand -DBAD_NO_ROW -DKILLS=1
if [ "${1:-}" != brief ]; then
	check combine -DFAILURES=1
	check combine -DHIDDEN=1
	check combine -DREPLACED=1
	check combine -DSLOTS=2 -DKILLS=1
	check combine -DKILLS=2 -DGIVEUPS=2
	check combine -DPROCS=2 -DEACH=2 -DREPLACED=1 -DFAILURES=1
	check lease -DREPLACED=1
	check lease -DKILLS=3
	check wake -DTAKERS=3
	check stand -DKILLS=1
fi
echo "1..$number"
exit "$status"
