#!/bin/sh
# Runs the scripts of this folder with each interpreter named and prints rows in
# Go's benchmark format.
#
#	PYTHONS="python3 python3.14t" ROUNDS=6 THREADS="1 2" BENCHTIME=500ms sh python/run.sh
#
# The interpreters alternate, round 1 of each and then round 2 of each, so that a
# machine that drifts drifts under all of them alike. The exit status is 0, 1 if an
# interpreter failed, 2 if a variable has a value that cannot be meant, and after
# a signal 128 and its number. That there is no Python is no failure.
set -uf
here=$(dirname "$0")
: "${PYTHONS=python3}" "${ROUNDS=6}" "${THREADS=1 2}" "${BENCHTIME=500ms}"

say() { printf 'python: %s\n' "$*" >&2; }

# number NAME VALUE WANT ends the script unless VALUE is a number from 1.
number() {
	case $2 in
	'' | 0* | *[!0-9]* | ???????*) say "$1 is \"$2\", want $3"; exit 2 ;;
	esac
}
number ROUNDS "$ROUNDS" 'a number from 1'
number BENCHTIME "${BENCHTIME%ms}" 'milliseconds, such as 500ms'
[ -n "$(echo $THREADS)" ] || number THREADS "$THREADS" 'numbers from 1, such as "1 2"'
for threads in $THREADS; do
	number THREADS "$threads" 'numbers from 1, such as "1 2"'
done

# A script runs in the background and is waited for, because a shell hears a
# signal only while it waits. Its own children end when it has ended.
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
fail() { # INTERPRETER SCRIPT STATUS
	if [ "$3" -gt 128 ]; then
		say "$1: $2.py: killed by signal $(($3 - 128))"
	else
		say "$1: $2.py: exit status $3"
	fi
	status=1
}

chosen= # system:interpreter
for python in $PYTHONS; do
	if ! command -v "$python" >/dev/null; then
		say "$python: not found, skipped"
		continue
	fi
	facts=$("$python" -B "$here/bench.py") || { fail "$python" bench $?; continue; }
	system=$(printf '%s\n' "$facts" | sed -n 's/^# system: //p')
	case $chosen in
	*" $system:"*) say "$python: a second $system, skipped"; continue ;;
	esac
	if [ -z "$chosen" ]; then
		printf '%s\n' "$facts" | sed '/^#/d' || exit
		echo "# date: $(date -u +%Y-%m-%dT%H:%M:%SZ)"
		echo "# benchtime: $BENCHTIME, rounds: $ROUNDS"
		printf '%s\n' "$facts" | sed -n 's/^numcpu: /# oversubscribed: rows of more threads than /p'
		echo "# kernel: $(uname -r)"
		[ ! -r /proc/loadavg ] || echo "# load: $(cat /proc/loadavg)"
	fi
	printf '%s\n' "$facts" | sed -n '/^#/p'
	chosen="$chosen $system:$python"
done
if [ -z "$chosen" ] && [ "$status" = 0 ]; then
	say 'no interpreter: name some, as in PYTHONS="python3 python3.14t"'
fi

round=0
while [ $((round += 1)) -le "$ROUNDS" ]; do
	for one in $chosen; do
		for script in loop fib spawn procsfib aio; do
			case "$failed " in
			*" $script@$one "*) continue ;; # once is enough
			esac
			BOUNDARIES_PYTHON=${one%%:*} "${one#*:}" -B "$here/$script.py" "${BENCHTIME%ms}" $THREADS &
			child=$!
			wait "$child" 2>/dev/null # on which some shells say "Killed"
			ended=$?
			child=
			case $ended in
			0) ;;
			141) exit 141 ;; # nobody reads what is printed
			*)
				fail "${one#*:}" "$script" "$ended"
				failed="$failed $script@$one"
				;;
			esac
		done
	done
done
exit "$status"
