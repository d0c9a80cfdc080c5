#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pagerctl pool against a daemon with a pool of memory: it grows, shrinks, is
# looked at as text, JSON and picture, has its memory blocks put on- and
# offline, and says what is wrong with what it is asked for.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/pager-pool.XXXXXX")
daemon=
holder=
stop() {
	[ -z "$holder" ] || kill "$holder" 2>/dev/null || true
	[ -z "$holder" ] || wait "$holder" || true
	holder=
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" || true
	daemon=
}
trap 'stop; rm -rf "$work"' EXIT

fail() {
	echo "pagerctl-pool: $*" >&2
	[ ! -s "$work/out" ] || sed 's/^/  out: /' "$work/out" >&2
	[ ! -s "$work/err" ] || sed 's/^/  err: /' "$work/err" >&2
	[ ! -s "$work/daemon.log" ] || tail -n 20 "$work/daemon.log" |
		sed 's/^/  log: /' >&2
	exit 1
}

# expect CODE ARGUMENT...: runs pagerctl pool; its exit code must be CODE.
expect() {
	local want=$1 got=0
	shift
	timeout 120 "$PAGER_BIN/pagerctl" pool "$@" >"$work/out" \
		2>"$work/err" </dev/null || got=$?
	[ "$got" -eq "$want" ] || fail "exit $got, not $want: pool $*"
}

# says FILE TEXT: a line of it contains the text.
says() {
	grep -qF -- "$2" "$work/$1" || fail "not said: $2"
}

# json EXPRESSION: what python makes of the output, called it, is true.
json() {
	command -v python3 >/dev/null || return 0
	python3 -c '
import json, sys
it = json.load(open(sys.argv[1]))
assert eval(sys.argv[2]), it' "$work/out" "$1" 2>"$work/python" ||
		fail "not so: $1: $(tail -n 1 "$work/python")"
}

check() {
	"$PAGER_BIN/pagerctl" check >"$work/out" 2>"$work/err" ||
		fail "the recount found a difference"
}

export PAGER_SOCKET=$work/socket

# Usage comes before the daemon that is not there.
expect 2
expect 2 wurst
expect 2 show
expect 2 resize dimm0
expect 2 resize dimm0 much
says err "much: not a size"
expect 2 map --follow dimm0
says err "takes no --follow"
expect 2 online --zone dma dimm0 0
says err "say kernel or movable"
expect 3 list
says err "$work/socket: No such file or directory"
expect 0 --help
says out "pool resize [--wait"

# start ARGUMENT...: a daemon.
start() {
	"$PAGER_BIN/pagerd" --socket "$work/socket" "$@" \
		2>"$work/daemon.log" &
	daemon=$!
	for _ in $(seq 200); do
		[ ! -S "$work/socket" ] || return 0
		kill -0 "$daemon" 2>/dev/null || fail "no daemon"
		sleep 0.05
	done
	fail "the daemon does not start"
}

echo "a daemon without pools has the boot pool"
start --memory 16M
expect 0 list
says out "boot"
expect 0 show boot
says out "boot memory: all of it is there"
expect 2 resize boot 8M
says err "boot memory cannot be changed"
expect 2 show dimm0
says err "dimm0: no such pool; there is boot"
stop

echo "a pool grows to what is requested"
start --memory 64M --memory-block 32M \
	--pool dimm0,region=256M,requested=64M,online=movable,retry=20,retry-max=100
expect 0 resize --wait --timeout 60 dimm0 96M
says out "dimm0: 96M plugged, as requested"
expect 0 --json list
json 'it[1]["name"] == "dimm0" and it[1]["plugged"] == 96 << 20'
json 'it[1]["state"] == "as-requested" and it[1]["online"] == 96 << 20'
expect 0 list
says out "dimm0"
expect 0 show dimm0
says out "as requested: nothing is to do"
says out "3 movable"
expect 0 --json show 1
json 'it["memory_blocks"] == {"absent": 5, "offline": 0, "online": 3}'
json 'it["zones"]["movable"]["plugged"] == 96 << 20'

echo "sizes are checked, and what to say instead is said"
expect 2 resize dimm0 97M
says err "97M: not a multiple of the block (2M): try 96M or 98M"
expect 2 resize dimm0 -97M
says err "only 96M is requested now"
expect 2 resize dimm0 +162M
says err "at most 256M"
expect 2 resize dimm0 300M
says err "at most 256M"
expect 2 resize dimm1 64M
says err "dimm1: no such pool; there are boot, dimm0"
expect 2 grow dimm0 3M
says err "try 2M or 4M"

echo "relative sizes, JSON, a partly plugged memory block"
expect 0 --json resize --wait dimm0 +6M
tail -n 1 "$work/out" >"$work/last"
mv "$work/last" "$work/out"
json 'it["result"] == "reached" and it["plugged"] == 102 << 20'
expect 0 map dimm0
says out "dimm0: 102M plugged of 102M requested, room for 256M"
says out "000-------------  movable   0%"
says out "and 3 more like it"
expect 0 --json map dimm0
json 'it["cell_bytes"] == 2 << 20 and len(it["cells"]) == 64'
json 'sum(c["plugged"] for c in it["cells"]) == 102 << 20'
expect 0 map --svg "$work/map.svg" dimm0
[ ! -s "$work/out" ] || fail "the picture was printed, too"
grep -q '^<svg xmlns=' "$work/map.svg" || fail "no picture"
if command -v python3 >/dev/null; then
	python3 -c 'import sys, xml.dom.minidom
xml.dom.minidom.parse(sys.argv[1])' "$work/map.svg" || fail "that is no XML"
fi
expect 2 map --svg "$work/no/map.svg" dimm0
says err "$work/no/map.svg: No such file or directory"
LC_ALL=C.UTF-8 script -qec "'$PAGER_BIN/pagerctl' pool map dimm0" \
	/dev/null >"$work/tty" 2>/dev/null </dev/null || : >"$work/tty"
if [ -s "$work/tty" ]; then
	grep -q $'\033\[32m' "$work/tty" || fail "a terminal has no colours"
fi

echo "events"
expect 0 events dimm0
says out "96M requested"
says out "102M plugged, as requested"
expect 0 --json events
json 'it[-1]["type"] == "reached" and it[-1]["name"] == "dimm0"'

"$PAGER_BIN/pagerctl" --json pool events --follow dimm0 >"$work/follow" 2>&1 &
holder=$!
expect 0 resize --wait dimm0 104M
expect 0 resize --wait dimm0 102M
for _ in $(seq 200); do
	! grep -q '"type":"reached".*"value":109051904' "$work/follow" ||
		! tail -n 1 "$work/follow" | grep -q '"type":"reached"' ||
		! tail -n 1 "$work/follow" | grep -q '"value":106954752' ||
		break
	sleep 0.05
done
kill "$holder"
wait "$holder" || true
holder=
cp "$work/follow" "$work/out"
says out '"type":"unplug"'
tail -n 1 "$work/follow" >"$work/out"
json 'it["type"] == "reached" and it["value"] == 102 << 20'

echo "memory blocks by hand"
expect 0 offline dimm0 3
says out "block 3 at 0x"
expect 1 offline dimm0 3
says err "block 3 is offline already"
expect 1 online dimm0 7
says err "block 7 is absent: there is no memory in it"
expect 2 online dimm0 8
says err "the pool has 8, from 0 on"
expect 2 online dimm0 0x1000
says err "outside the pool"
expect 0 --json show dimm0
json 'it["memory_blocks"]["offline"] == 1 and it["offline"] == 6 << 20'
expect 0 online --zone kernel dimm0 all
says out "online, kernel"

echo "everything is given back"
expect 0 unplug-all --wait --timeout 60 dimm0
says out "dimm0: 0 plugged, as requested"
expect 0 --json show dimm0
json 'it["plugged"] == 0 and it["memory_blocks"]["absent"] == 8'
expect 0 grow dimm0 64M
says out "grows by itself up to 64M"
expect 0 grow dimm0 off
check
stop

# hold LINES: a session that has done the script of these lines lives on until
# nobody keeps it: its output goes to a pipe that is not read to the end.
hold() {
	{
		printf '%s\n' "$@"
		echo echo held
		seq 2000 | sed "s/^/echo $(printf '%0100d' 0)/"
	} >"$work/script"
	rm -f "$work/pipe"
	mkfifo "$work/pipe"
	"$PAGER_BIN/pagerctl" run "$work/script" >"$work/pipe" 2>"$work/err" &
	holder=$!
	exec 4<"$work/pipe"
	local line=
	read -r -t 60 line <&4 || true
	[ "$line" = held ] || fail "the session does not do its script: $line"
}

release() {
	exec 4<&-
	wait "$holder" || true
	holder=
}

echo "what is pinned is in the way, and whose it is is said"
start --memory 16M --memory-block 32M \
	--pool dimm0,region=256M,requested=96M,online=kernel,retry=20,retry-max=100
expect 0 resize --wait --timeout 60 dimm0 96M
hold "space a" "map a 0x10000000 40M rw fixed" "pin a 0x10000000 40M"
busy=
for block in 0 1 2; do
	expect 0 --json holders dimm0 $block
	! grep -q '"pinned":[1-9]' "$work/out" || busy=$block
done
[ -n "$busy" ] || fail "40M are pinned, boot memory is 16M, and no block has any"
expect 0 holders dimm0 "$busy"
says out "space "
expect 1 offline dimm0 "$busy"
says err "block $busy at 0x"
says err "in the way, what is pinned first:"
says err "space "
says err "0x1"
expect 1 --json offline dimm0 "$busy"
json 'len(it) == 1 and not it[0]["done"] and it[0]["error"] == "EBUSY"'
json 'it[0]["holders"][0]["pinned"] > 0'
expect 0 --json map dimm0
json 'sum(c["pinned"] for c in it["cells"]) >= 24 << 20'
expect 0 map dimm0
says out "pppp"

echo "waiting ends in time, and the wish stands"
expect 6 resize --wait --timeout 1 dimm0 0
says err "busy: 0x"
says err "the wish of 0 stands"
says err "pagerctl pool resize dimm0 96M"
expect 6 --json resize --wait --timeout 1 dimm0 0
tail -n 1 "$work/out" >"$work/last"
mv "$work/last" "$work/out"
json 'it["result"] == "timeout" and it["requested"] == 0'

# Until the daemon has taken the wish for nothing.
wished() {
	for _ in $(seq 200); do
		expect 0 --json show dimm0
		! grep -q '"requested":0,' "$work/out" || return 0
		sleep 0.05
	done
	fail "the wish did not come"
}

echo "a newer wish ends it"
expect 0 resize --wait --timeout 60 dimm0 96M
"$PAGER_BIN/pagerctl" pool resize --wait dimm0 0 >"$work/first" \
	2>"$work/first.err" &
first=$!
wished
expect 0 resize --wait --timeout 60 dimm0 96M
code=0
wait "$first" || code=$?
[ "$code" -eq 4 ] || fail "the first wish left with $code, not 4"
grep -q "a newer wish replaced this one: 96M" "$work/first.err" ||
	fail "not said that the wish was replaced"

echo "an interrupt leaves the wish standing"
"$PAGER_BIN/pagerctl" pool unplug-all --wait dimm0 >"$work/first" \
	2>"$work/first.err" &
first=$!
wished
# It may not be watching yet, and ignores the signal until then.
for _ in $(seq 100); do
	kill -INT "$first" 2>/dev/null || break
	sleep 0.1
done
code=0
wait "$first" || code=$?
[ "$code" -eq 130 ] || fail "the interrupted one left with $code, not 130"
grep -q "stopped waiting at .*; the wish of 0 stands" "$work/first.err" ||
	fail "not said that the wish stands"
release
expect 0 resize --wait --timeout 60 dimm0 0
check
stop
echo "pagerctl-pool: as it should be"
