#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The daemon's life: how it starts and how it refuses to, the lock and the
# socket of a daemon that died, what signals do, and its exit codes.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/pager-life.XXXXXX")
pagerd=$PAGER_BIN/pagerd
small=(--memory 1M --nodes 64)
pids=()
cleanup() {
	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
	done
	chmod -R u+w "$work"
	rm -rf "$work"
}
trap cleanup EXIT

fail() {
	echo "daemon: $*" >&2
	[ ! -s "$work/out" ] || sed 's/^/  out: /' "$work/out" >&2
	[ ! -s "$work/err" ] || sed 's/^/  err: /' "$work/err" >&2
	exit 1
}

# refused CODE TEXT ARGUMENT...: it does not start; standard error is one line
# with the text (usage errors: the text, then usage).
refused() {
	local want=$1 text=$2 got=0
	shift 2
	timeout 20 "$pagerd" "$@" >"$work/out" 2>"$work/err" || got=$?
	[ "$got" -eq "$want" ] || fail "exit $got, not $want: $*"
	grep -qF -- "$text" "$work/err" || fail "not said: $text"
	[ "$want" -eq 2 ] || [ "$(wc -l <"$work/err")" -eq 1 ] ||
		fail "not one line: $*"
}

# start LOG ARGUMENT...: sets pid when it listens.
start() {
	local log=$work/$1
	shift
	mkfifo "$work/ready"
	"$pagerd" "$@" --ready-fd 3 2>"$log" 3>"$work/ready" &
	pid=$!
	pids+=("$pid")
	read -r line <"$work/ready" || fail "not ready: $(cat "$log")"
	rm "$work/ready"
	[[ $line == ready\ * ]] || fail "said: $line"
}

# ended CODE: the daemon started last ends with it.
ended() {
	local got=0
	wait "$pid" || got=$?
	[ "$got" -eq "$1" ] || fail "the daemon ended with $got, not $1"
}

ask() {
	"$PAGER_BIN/pagerctl" --socket "$@" >"$work/out" 2>"$work/err"
}

logged() {
	for _ in $(seq 100); do
		! grep -qF -- "$2" "$work/$1" || return 0
		sleep 0.05
	done
	fail "not logged: $2"
}

# What needs no daemon.
"$pagerd" --help >"$work/out"
grep -q '^usage: pagerd' "$work/out" || fail "--help"
"$pagerd" --version >"$work/out"
grep -q '^pagerd [0-9.]* (protocol 1.0)$' "$work/out" || fail "--version"
refused 2 "--wurst: unknown option" --wurst
refused 2 "--memory 1X: not a size" --memory 1X
refused 2 "argument is missing" --socket
refused 2 "unexpected argument" serve
refused 2 "needs --config" --check-config

# Configuration files.
printf 'memory 1M\nnodes 64\nlimit spaces 1\n' >"$work/conf"
"$pagerd" --check-config --config "$work/conf" >"$work/out"
grep -q ': valid$' "$work/out" || fail "--check-config"
printf 'memory 1M\nspoon 5\n' >"$work/bad"
refused 1 "$work/bad:2: spoon 5: unknown setting" --check-config \
	--config "$work/bad"
refused 1 "$work/bad:2:" --socket "$work/s" --config "$work/bad"
refused 1 "$work/none: No such file" --config "$work/none"
[ ! -e "$work/s" ] || fail "a refused daemon left a socket"

# Places where it cannot listen.
refused 1 "longer than 107 bytes" --socket "$work/$(printf '%0120d' 0)"
refused 1 "No such file" --socket "$work/no/s"
echo text >"$work/file"
refused 1 "exists and is not a socket" --socket "$work/file" "${small[@]}"
[ "$(cat "$work/file")" = text ] || fail "it touched a file"
[ ! -e "$work/file.pid" ] || fail "it left its lock"
if [ "$(id -u)" -ne 0 ]; then
	mkdir "$work/closed"
	chmod 555 "$work/closed"
	refused 1 "Permission denied" --socket "$work/closed/s"
	unset XDG_RUNTIME_DIR
	refused 1 "XDG_RUNTIME_DIR is not set"
fi

# A daemon, and a second one in its place.
start log1 --socket "$work/s" "${small[@]}"
first=$pid
[ "$(stat -c %a "$work/s")" = 600 ] || fail "mode $(stat -c %a "$work/s")"
ask "$work/s" ping || fail "it does not answer"
refused 1 "in use by a pagerd, process $first" --socket "$work/s" "${small[@]}"
ask "$work/s" ping || fail "it does not answer any more"

# It dies; its socket is taken over, by exactly one of many.
{ kill -KILL "$first" && wait "$first"; } 2>/dev/null || true
[ -S "$work/s" ] || fail "no socket was left to take over"
for i in 1 2 3 4 5 6; do
	timeout 20 "$pagerd" --socket "$work/s" "${small[@]}" \
		2>"$work/race$i" &
	race[i]=$!
	pids+=("${race[i]}")
done
for _ in $(seq 100); do
	[ "$(grep -l 'in use' "$work"/race? | wc -l)" -lt 5 ] || break
	sleep 0.1
done
[ "$(grep -l 'in use' "$work"/race? | wc -l)" -eq 5 ] || fail "not five lost"
[ "$(grep -l 'listening' "$work"/race? | wc -l)" -eq 1 ] || fail "not one won"
ask "$work/s" ping || fail "the winner does not answer"
for i in 1 2 3 4 5 6; do
	! grep -q listening "$work/race$i" || winner=${race[i]}
done

# SIGTERM and SIGINT: it leaves, and takes socket and lock with it.
kill -TERM "$winner"
pid=$winner
ended 0
[ ! -e "$work/s" ] || fail "the socket is left"
[ ! -e "$work/s.pid" ] || fail "the lock is left"
start log2 --socket "$work/s" "${small[@]}"
kill -INT "$pid"
ended 0
logged log2 "leaving (SIGINT)"
[ ! -e "$work/s" ] || fail "the socket is left"

# SIGHUP: a valid configuration is taken, an invalid one is not.
start log3 --socket "$work/s" --config "$work/conf"
printf 'space a\nspace b\n' >"$work/two"
! ask "$work/s" run "$work/two" || fail "two spaces where one is allowed"
grep -q ELIMIT "$work/out" "$work/err" || fail "not for the limit"
printf 'memory 1M\nnodes 64\nlimit spaces 2\n' >"$work/conf"
kill -HUP "$pid"
logged log3 "took the configuration"
ask "$work/s" run "$work/two" || fail "the new limit does not hold"
printf 'memory 1M\nnodes 64\nlimit spaces one\n' >"$work/conf"
kill -HUP "$pid"
logged log3 "$work/conf:3: limit spaces one: not a number (the old"
ask "$work/s" run "$work/two" || fail "the old configuration is gone"
printf 'memory 2M\nnodes 64\ngroup %s\n' "$(id -g)" >"$work/conf"
kill -HUP "$pid"
logged log3 "the new memory is taken at the next start"
[ "$(stat -c %a "$work/s")" = 660 ] || fail "mode $(stat -c %a "$work/s")"
kill -TERM "$pid"
ended 0
