#!/bin/sh
# Runs the scripts of this folder with each interpreter and prints rows in Go's
# benchmark format.
#
#	PYTHONS="python3 python3.14t" ROUNDS=6 THREADS="1 2" BENCHTIME=500ms sh python/run.sh
#
# The interpreters take turns, round 1 of each and then round 2 of each, so that a
# machine that drifts drifts under all of them. An interpreter that cannot run is
# named, with its reason, and skipped. The exit status is 0, 1 if a script failed,
# 2 if a variable has an impossible value or no interpreter can run, and after a
# signal 128 plus its number.
set -uf
here=$(cd "$(dirname "$0")" && pwd)
# With PYTHONSAFEPATH a script does not find the module beside it.
export PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}"
: "${PYTHONS=python3}" "${ROUNDS=6}" "${THREADS=1 2}" "${BENCHTIME=500ms}"

say() { printf 'python: %s\n' "$*" >&2; }

# number NAME VALUE WANT ends the script unless VALUE is a number from 1.
number() {
	case $2 in
	'' | 0* | *[!0-9]* | ???????*) say "$1 is \"$2\", want $3"; exit 2 ;;
	esac
}
number ROUNDS "$ROUNDS" 'a number from 1 to 999999'
number BENCHTIME "${BENCHTIME%ms}" 'milliseconds, such as 500ms'
[ -n "$(echo $THREADS)" ] || number THREADS "$THREADS" 'numbers from 1, such as "1 2"'
for threads in $THREADS; do
	number THREADS "$threads" 'numbers from 1, such as "1 2"'
done

# A script runs in the background, because a shell handles a signal only while it
# waits. The children of a script end with it.
child=
stop() {
	[ -z "$child" ] || kill "$child" 2>/dev/null
	wait
	exit "$1"
}
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM

status=0
failed= # script@system:interpreter
how() { # STATUS
	if [ "$1" -gt 128 ]; then
		echo "killed by signal $(($1 - 128))"
	else
		echo "exit status $1"
	fi
}

# consider INTERPRETER OPTIONS adds the interpreter to those chosen, or says why not.
chosen= # system:interpreter
consider() {
	case $2 in
	'') ;;
	*gil=[01]*)
		say "$1$2: skipped, because it has an option; set PYTHON_GIL=${2##*gil=} instead"
		return
		;;
	*)
		say "$1$2: skipped, because it has an option; set the variable of the option instead, such as PYTHON_GIL=1"
		return
		;;
	esac
	if ! command -v "$1" >/dev/null; then
		say "$1: skipped, because it is not found"
		return
	fi
	# Some shells print "Killed" on their own standard error.
	{
		facts=$("$1" -B "$here/bench.py" 2>&1 </dev/null)
		ended=$?
	} 2>/dev/null
	system=$(printf '%s\n' "$facts" | sed -n 's/^# system: //p')
	if [ "$ended" != 0 ]; then
		# A traceback has its reason at the end, everything else at the beginning.
		reason=$(printf '%s\n' "$facts" | awk '/^Traceback/ { end = 1 } NF && (end || !r) { r = $0 } END { print r }')
		say "$1: skipped, because it cannot run: ${reason:-$(how "$ended")}"
		return
	elif [ -z "$system" ]; then
		say "$1: skipped, because it does not run bench.py as a Python would"
		return
	fi
	case $chosen in
	*" $system:"*) say "$1: skipped, because it is a second $system"; return ;;
	esac
	if [ -z "$chosen" ]; then
		printf '%s\n' "$facts" | grep -E '^(numcpu|# processor|goos|goarch|pkg|cpu): |^Unit ' || exit
		echo "# date: $(date -u +%Y-%m-%dT%H:%M:%SZ)"
		echo "# benchtime: $BENCHTIME, rounds: $ROUNDS"
		printf '%s\n' "$facts" | sed -n 's/^numcpu: /# oversubscribed: rows of more threads than /p'
		echo "# kernel: $(uname -r)"
		[ ! -r /proc/loadavg ] || echo "# load: $(cat /proc/loadavg)"
	fi
	printf '%s\n' "$facts" | grep -E '^# (system|interpreter|the GIL)'
	chosen="$chosen $system:$1"
}

python= options= argument=
for word in $PYTHONS ''; do
	case $argument$word in
	-*)
		options="$options $word"
		argument=
		case $word in -[XWcm]) argument=- ;; esac
		;;
	*)
		[ -z "$python$options" ] || consider "$python" "$options"
		python=$word options=
		;;
	esac
done
[ -n "$chosen" ] || { say 'no interpreter: name some, as in PYTHONS="python3 python3.14t"'; exit 2; }

round=0
while [ $((round += 1)) -le "$ROUNDS" ]; do
	for one in $chosen; do
		for script in loop fib spawn procsfib queues deadlock aio; do
			case "$failed " in
			*" $script@$one "*) continue ;; # once is enough
			esac
			BOUNDARIES_PYTHON=${one%%:*} "${one#*:}" -B "$here/$script.py" "${BENCHTIME%ms}" $THREADS &
			child=$!
			wait "$child" 2>/dev/null # some shells print "Killed" here
			ended=$?
			child=
			case $ended in
			0) ;;
			141) exit 141 ;; # the reader of the output has gone
			*)
				say "${one#*:}: $script.py: $(how "$ended")"
				status=1
				failed="$failed $script@$one"
				;;
			esac
		done
	done
done
exit "$status"
