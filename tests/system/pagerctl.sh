#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pagerctl against a daemon: every command as text and as JSON, every operation
# by a script, and each of its exit codes with its one line.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/pager-ctl.XXXXXX")
daemon=
stop() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" || true
	daemon=
}
trap 'stop; rm -rf "$work"' EXIT

fail() {
	echo "pagerctl: $*" >&2
	[ ! -s "$work/out" ] || sed 's/^/  out: /' "$work/out" >&2
	[ ! -s "$work/err" ] || sed 's/^/  err: /' "$work/err" >&2
	exit 1
}

# expect CODE ARGUMENT...: runs pagerctl; its exit code must be CODE.
expect() {
	local want=$1 got=0
	shift
	"$PAGER_BIN/pagerctl" "$@" >"$work/out" 2>"$work/err" <"$work/in" ||
		got=$?
	[ "$got" -eq "$want" ] || fail "exit $got, not $want: $*"
}

# says FILE TEXT: a line of it contains the text.
says() {
	grep -qF -- "$2" "$work/$1" || fail "not said: $2"
}

: >"$work/in"
export PAGER_SOCKET=$work/socket

# No daemon, and usage, which comes first.
expect 3 ping
says err "$work/socket: No such file or directory"
expect 3 --socket "$work/no/socket" stats
expect 3 --socket "$(printf '%0200d' 0)" ping
says err "too long"
for wrong in "" "wurst" "--wurst ping" "ping 1" "maps" "maps 1 2" \
	"run" "user 1 2" "--socket" "--smaps spaces"; do
	read -ra words <<<"$wrong"
	expect 2 "${words[@]}"
	[ -s "$work/err" ] || fail "nothing is said: $wrong"
done
expect 0 help
says out "commands:"
expect 0 help maps
expect 0 -h
expect 2 help wurst

coproc "$PAGER_BIN/pagerd" --socket "$work/socket" --ready-fd 1 \
	2>"$work/daemon.log"
daemon=$COPROC_PID
read -r -t 30 _ <&"${COPROC[0]}" || fail "the daemon does not start"

for command in ping spaces stats check backends objects sessions user; do
	expect 0 "$command"
	[ -s "$work/out" ] || fail "$command prints nothing"
	expect 0 --json "$command"
	if command -v python3 >/dev/null; then
		python3 -c 'import json, sys; json.load(sys.stdin)' \
			<"$work/out" || fail "$command: that is no JSON"
	fi
done
expect 1 maps 0x999
says err "ENOENT"
expect 1 info 0
expect 2 info x1
says err "x1: not a number"

# Scripts: from a file, from standard input, with what print shows.
expect 0 run "$PAGER_SRC/tests/system/operations.script"
cat >"$work/in" <<'END'
space a name=wurst
p = map a 0x400000 0x3000 rw fixed
write a p hex:01
brk a 0x10000000 start
brk a 0x10002000
print maps a
print maps --smaps a
print info a
print spaces
print page a p
echo done   here
END
expect 0 run -
says out "00400000-00403000 rw-p 00000000 00:00 0"
says out "10000000-10002000 rw-p 00000000 00:00 0"
says out "[heap]"
says out "Private:               4 kB"
says out "wurst"
says out "done here"
expect 0 --json run -
says out '"prot":"rw-"'
says out '"flags":["heap"]'

# refused LINE TEXT: the script in $work/in ends there, with exit code 1.
refused() {
	expect 1 run -
	says err "standard input:$1: $2"
}
printf 'space a\nunmap a 1 1\n' >"$work/in"
refused 2 "refused: addr: not a multiple of the page size (EALIGN)"
printf 'ping\nping 1 expect cookie=2\necho no\n' >"$work/in"
refused 2 "cookie is 1, not 2"
! grep -q no "$work/out" || fail "it went on"
printf 'space a\nbatch atomic\nping\nend\n' >"$work/in"
refused 3 "refused: op: not allowed in this kind of batch (EBATCH)"
printf 'space a\nbatch atomic\nunmap a 0x20000 0x1000\nend expect error EINVAL\n' \
	>"$work/in"
refused 4 "it was done, and EINVAL was expected"

# mistake LINE TEXT: nothing is done, with exit code 2.
mistake() {
	expect 2 run -
	says err "standard input:$1: $2"
	[ ! -s "$work/out" ] || fail "something was done"
}
printf 'echo no\nwurst\n' >"$work/in"
mistake 2 "wurst: no such operation"
printf 'echo no\nping' >"$work/in"
mistake 2 "no newline at the end: the script is cut short"
printf 'echo no\nbatch\nping\n' >"$work/in"
mistake 2 "a batch without an end: the script is cut short"
printf 'echo no\n\0\1\2\n' >"$work/in"
mistake 2 "not text: byte 0x00"
head -c 4096 "$PAGER_BIN/pagerctl" >"$work/in"
expect 2 run -
says err "standard input:1: "
{
	echo echo no
	head -c 1048576 /dev/zero | tr '\0' x
	echo
} >"$work/in"
mistake 2 "a line of more than 262144 bytes"
expect 2 run "$work/nothing"
says err "$work/nothing: No such file or directory"

# What the session made is gone with it, and the daemon is sound.
: >"$work/in"
expect 0 --json stats
says out '"spaces":0,"objects":0,"regions":0'
expect 0 check

# The daemon goes away in the middle.
{
	echo "ping"
	echo "echo first"
} >"$work/in"
expect 0 run -
stop
expect 3 run -
echo "pagerctl: as it should be"
