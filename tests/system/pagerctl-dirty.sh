#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pagerctl dirty and clone against a real daemon, with another process that
# writes to the space meanwhile: logs are started, shown and ended, a space is
# watched, copied while it runs, verified, saved to a file; and whoever is
# killed on the way leaves nothing behind.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/pager-dirty.XXXXXX")
daemon=
writer=
stop() {
	for pid in $writer $daemon; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	writer=
	daemon=
}
trap 'stop; rm -rf "$work"' EXIT

fail() {
	echo "pagerctl-dirty: $*" >&2
	[ ! -s "$work/out" ] || sed 's/^/  out: /' "$work/out" >&2
	[ ! -s "$work/err" ] || sed 's/^/  err: /' "$work/err" >&2
	[ ! -s "$work/daemon.log" ] || tail -n 20 "$work/daemon.log" |
		sed 's/^/  log: /' >&2
	exit 1
}

# expect CODE ARGUMENT...: runs pagerctl; its exit code must be CODE.
expect() {
	local want=$1 got=0
	shift
	timeout 120 "$PAGER_BIN/pagerctl" "$@" >"$work/out" \
		2>"$work/err" </dev/null || got=$?
	[ "$got" -eq "$want" ] || fail "exit $got, not $want: $*"
}

says() {
	grep -qF -- "$2" "$work/$1" || fail "not said: $2"
}

# json EXPRESSION: what python makes of the last line, called it, is true.
json() {
	command -v python3 >/dev/null || return 0
	python3 -c '
import json, sys
it = json.loads(open(sys.argv[1]).read().strip().split("\n")[-1])
assert eval(sys.argv[2]), it' "$work/out" "$1" 2>"$work/python" ||
		fail "not so: $1: $(tail -n 1 "$work/python")"
}

export PAGER_SOCKET=$work/socket

echo "usage comes before the daemon that is not there"
expect 2 dirty
expect 2 dirty wurst
expect 2 dirty info
expect 2 dirty info something
expect 2 dirty start --clear 5
says err "takes no --clear"
expect 2 dirty start --method magic 5
says err "say auto, hardware or write-protect"
expect 2 clone
expect 2 clone --verify 5
says err "--verify is for --live"
expect 2 clone --live --verify --file x 5
expect 2 ping --live
expect 3 dirty list
expect 0 help dirty
says out "dirty watch"
expect 0 help clone
says out "--max-pause"
expect 0 dirty watch --help
says out "--interval"

"$PAGER_BIN/pagerd" --socket "$work/socket" --memory 64M \
	2>"$work/daemon.log" &
daemon=$!
for _ in $(seq 200); do
	[ ! -S "$work/socket" ] || break
	kill -0 "$daemon" 2>/dev/null || fail "no daemon"
	sleep 0.05
done

# A process that owns a space and writes to it, again and again.
{
	echo "space a name=source"
	echo "map a 0x100000 0x400000 rw private fixed"
	echo "write a 0x100000 count:1:0x100000"
	echo "map a 0x800000 0x10000 rw shared fixed"
	echo "write a 0x801000 fill:9:8192"
	echo "map a 0x900000 0x4000 rw private fixed"
	echo "write a 0x900000 fill:3:4096"
	echo "protect a 0x900000 0x4000 none"
	echo "echo ready"
	awk 'BEGIN {
		for (i = 0; i < 100000; i++) {
			printf "write a 0x%x fill:%d:4096\n",
				1048576 + i * 7 % 256 * 4096, i % 251
			if (i % 1000 == 0)
				print "sleep 1"
		}
		print "sleep 600"
	}'
} >"$work/writer"
start_writer() {
	: >"$work/writer.out"
	"$PAGER_BIN/pagerctl" run "$work/writer" >"$work/writer.out" 2>&1 &
	writer=$!
	for _ in $(seq 400); do
		! grep -q ready "$work/writer.out" || break
		sleep 0.05
	done
	grep -q ready "$work/writer.out" || fail "no writer"
	space=$("$PAGER_BIN/pagerctl" spaces | awk '/source/ {print $1}')
}
start_writer

# nothing_left SPACES: no log, no pause, that many spaces.
nothing_left() {
	for _ in $(seq 100); do
		expect 0 dirty list
		[ "$(wc -l <"$work/out")" -eq 1 ] || { sleep 0.1; continue; }
		expect 0 stats
		grep -q "^spaces  *$1\$" "$work/out" &&
			grep -q "^paused  *0\$" "$work/out" && return 0
		sleep 0.1
	done
	fail "something is left"
}

echo "clones are verified while the source is written"
sleep 1
for method in auto hardware write-protect; do
	expect 0 clone --live --verify --method $method --for 0 "$space"
	says out "round 0, running:"
	says out "stopped:"
	says out "paused for"
	says out "are equal"
	nothing_left 1
done
expect 0 --json clone --live --verify --for 0 "$space"
json 'it["result"] == "done" and it["verified"] > 256 and it["pause_us"] > 0'
json 'it["regions"] == 3 and it["pages"] >= 259'
expect 0 clone --for 0 "$space"
says out "token "
kill -0 "$writer" || fail "the writer is gone"

echo "a clone is offered to others, and held until a signal"
"$PAGER_BIN/pagerctl" clone --live "$space" >"$work/clone" 2>&1 &
cloner=$!
for _ in $(seq 200); do
	! grep -q token "$work/clone" || break
	sleep 0.05
done
token=$(awk '/^token/ {print $2}' "$work/clone")
[ ${#token} -eq 32 ] || fail "no token: $(cat "$work/clone")"
printf 'c = take %s\nprint maps c\n' "$token" >"$work/take"
expect 0 run "$work/take"
expect 1 run "$work/take"
kill -INT "$cloner"
wait "$cloner" || fail "a clone that is held ends otherwise than by a signal"
nothing_left 1

echo "watch shows the region that is written"
expect 0 --json dirty watch --interval 1500 --count 2 "$space"
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "not a line for each look"
json 'it["pages"] > 0 and it["regions"][0]["start"] == "0x100000"'
expect 0 dirty watch --interval 1500 --count 1 "$space"
says out "000000100000-000000500000 rw-p"
expect 0 dirty get --for 2 "$space"
says out "0x000000100000"
nothing_left 1

echo "logs are held, shown to others, and stopped"
"$PAGER_BIN/pagerctl" dirty start --manual "$space" 0x100000 0x400000 \
	>"$work/start" 2>&1 &
starter=$!
for _ in $(seq 200); do
	! grep -q "^log" "$work/start" || break
	sleep 0.05
done
log=$(awk '/^log/ {print $2}' "$work/start")
[ -n "$log" ] || fail "no log"
expect 0 dirty list
says out "$log"
says out "manual"
sleep 1.5
expect 0 --json dirty get "$log"
json 'it["pages"] > 0 and it["cleared"] == False'
expect 1 dirty get --clear "$log"
says err "EFLAGS"
expect 0 dirty info "$log"
says out "0x100000"
expect 1 dirty get "$log" 1 64
says err "EALIGN"
expect 0 dirty stop "$log"
wait "$starter" || fail "start does not end with its log"
says start "the log was stopped"
expect 1 dirty info "$log"
nothing_left 1

echo "a file of a running space"
expect 0 clone --live --file "$work/image" "$space"
[ "$(head -c 8 "$work/image")" = PAGERIMG ] || fail "no image"
expect 1 clone --live --file /nonexistent/image "$space"
expect 0 load --for 0 "$work/image"
says out "token "
expect 0 --json load --for 0 "$work/image"
json 'it["result"] == "done"'
expect 4 load "$work/writer"
says err "load: not the file of a space"
expect 1 load /nonexistent/image
expect 2 load
nothing_left 1

echo "what cannot be copied is said"
expect 1 clone --live 0x12345
says err "the source"
expect 1 clone 0x12345

echo "kill -9 of who copies: the source goes on"
for delay in 0.01 0.03 0.06 0.1; do
	"$PAGER_BIN/pagerctl" clone --live --verify "$space" \
		>/dev/null 2>&1 &
	cloner=$!
	sleep $delay
	kill -9 "$cloner" 2>/dev/null || true
	wait "$cloner" 2>/dev/null || true
done
nothing_left 1
expect 0 --json dirty watch --interval 1500 --count 1 "$space"
json 'it["pages"] > 0'

echo "a source that dies under way"
for delay in 0.02 0.05; do
	"$PAGER_BIN/pagerctl" clone --live --verify --for 0 "$space" \
		>"$work/out" 2>"$work/err" &
	cloner=$!
	sleep $delay
	kill -9 "$writer"
	wait "$writer" 2>/dev/null || true
	code=0
	wait "$cloner" || code=$?
	[ $code -eq 0 ] || [ $code -eq 1 ] || fail "exit $code"
	[ $code -eq 0 ] || says err "the source"
	writer=
	nothing_left 0
	start_writer
done
expect 0 check
