#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The daemon from outside: its command line and configuration, where it listens
# and where it may not, its signals, what it leaves behind, and one clear line
# for everything that goes wrong.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/pager-daemon.XXXXXX")
chmod 711 "$work"
pids=()
cleanup() {
	for pid in "${pids[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
	done
	rm -rf "$work"
}
trap cleanup EXIT
pagerd=$PAGER_BIN/pagerd
ctl=$PAGER_BIN/pagerctl

fail() {
	echo "daemon: $*" >&2
	for file in "$work"/out "$work"/err "$work"/log; do
		[ ! -s "$file" ] || sed "s|^|  ${file##*/}: |" "$file" >&2
	done
	exit 1
}

# expect CODE ARGUMENT...: pagerd leaves by itself, with that exit code.
expect() {
	local want=$1 got=0
	shift
	timeout 60 "${as[@]}" "$pagerd" "$@" >"$work/out" 2>"$work/err" \
		3>&- 4>&- 5>&- 6>&- || got=$?
	[ "$got" -eq "$want" ] || fail "exit $got, not $want: $*"
}
as=()

# says FILE TEXT: a line of it contains the text.
says() {
	grep -qF -- "$2" "$work/$1" || fail "not said in $1: $2"
}

# one_line TEXT: that is all there is in err.
one_line() {
	[ "$(wc -l <"$work/err")" -eq 1 ] || fail "not one line"
	says err "$1"
	[ ! -s "$work/out" ] || fail "something on standard output"
}

# start ARGUMENT...: in the background, ready; sets pid.
start() {
	: >"$work/ready"
	"${as[@]}" "$pagerd" --ready-fd 3 "$@" 3>"$work/ready" 2>>"$work/log" \
		</dev/null >/dev/null &
	pid=$!
	pids+=("$pid")
	for _ in $(seq 2000); do
		[ ! -s "$work/ready" ] || return 0
		kill -0 "$pid" 2>/dev/null || fail "it did not start: $*"
		sleep 0.01
	done
	fail "it is not ready: $*"
}

# stop SIGNAL: exit code 0, and nothing is left at $s.
stop() {
	local got=0
	kill "-$1" "$pid"
	wait "$pid" || got=$?
	[ "$got" -eq 0 ] || fail "exit $got after $1"
	[ ! -e "$s" ] && [ ! -e "$s.pid" ] || fail "something is left at $s"
}

# until_said TEXT N: the log comes to have N lines with it.
until_said() {
	for _ in $(seq 2000); do
		[ "$(grep -cF -- "$1" "$work/log")" -lt "$2" ] || return 0
		sleep 0.01
	done
	fail "never logged $2 times: $1"
}

# --- the command line

expect 0 --help
says out "usage: pagerd"
[ ! -s "$work/err" ] || fail "--help says something on standard error"
expect 0 --version
grep -qE '^pagerd [0-9].* \(protocol [0-9]+\.[0-9]+\)$' "$work/out" ||
	fail "--version"

# wrong TEXT ARGUMENT...: one line, the usage behind it, exit code 2.
wrong() {
	local text=$1
	shift
	expect 2 "$@"
	[ "$(head -n 1 "$work/err")" = "pagerd: $text" ] ||
		fail "the first line is not: pagerd: $text"
	says err "usage: pagerd"
	[ ! -s "$work/out" ] || fail "something on standard output"
}
wrong "--wurst: unknown option" --wurst
wrong "-x: unknown option" -x
wrong "here: unexpected argument" here
wrong "--socket: an argument is missing" --socket
wrong "--config: an argument is missing" -v --config
wrong "--socket: the path is empty" --socket ""
wrong "--check-config needs --config FILE" --check-config
wrong "--memory 1: too small" --memory 1
wrong "--memory 4097: too small" --memory 4097
wrong "--memory 40961: not a multiple of 4K" --memory 40961
wrong "--memory 16T: too large" --memory 16T
wrong "--memory 99999999999999999999: too large" --memory 99999999999999999999
wrong "--memory 1X: not a size" --memory 1X
wrong "--memory 1GG: not a size" --memory 1GG
wrong "--memory -1: not a number" --memory -1
wrong "--memory : not a number" --memory ""
wrong "--nodes 0: too small" --nodes 0
wrong "--nodes 9999999: too large" --nodes 9999999
wrong "--nodes 16K: not a number" --nodes 16K
wrong "--ready-fd x: not a number" --ready-fd x
wrong "--memory-block 1M: too small" --memory-block 1M
wrong "--pool a: region is missing" --pool a
wrong "--pool a,region=8M,wurst=1: no such key of a pool" \
	--pool a,region=8M,wurst=1
wrong "--ready-fd  3: not a number" --ready-fd " 3"

# --- the configuration

config=$work/config
expect 1 --check-config --config "$config"
one_line "$config: No such file or directory"
expect 1 --config "$config" --socket "$work/s"
one_line "$config: No such file or directory"
expect 1 --check-config --config "$work"
one_line "$work: Is a directory"
expect 1 --check-config --config /dev/null
one_line "/dev/null: Invalid argument"

cat >"$config" <<END
# all there is
socket $work/from-config   # behind a setting too

memory 64M
nodes	1024
cpus 2
simulate no
group $(id -g)
connections 100
drain 500
limit spaces 10
limit objects none
limit bytes 1G
user root limit spaces 20
user $(id -u) limit queued 1M
memory 32M
END
expect 0 --check-config --config "$config"
[ "$(cat "$work/out")" = "$config: valid" ] || fail "valid"
: >"$config"
expect 0 --check-config --config "$config"

# bad TEXT LINE: a configuration of two good lines and this one.
bad() {
	printf 'memory 64M\n\n%s\n' "$2" >"$config"
	expect 1 --check-config --config "$config"
	one_line "$config:3: $1"
	expect 1 --config "$config" --socket "$work/s"
	one_line "$config:3: $1"
	[ ! -e "$work/s" ] || fail "it made a socket"
}
bad "wurst: unknown setting" "wurst"
bad "memory: a value is missing" "memory"
bad "memory 1G 2G: too many words" "memory 1G 2G"
bad "memory 12: too small" "memory 12"
bad "memory 1234567: not a multiple of 4K" "memory 1234567"
bad "memory 1P: not a size" "memory 1P"
bad "nodes many: not a number" "nodes many"
bad "cpus 0: too small" "cpus 0"
bad "cpus 65: too large" "cpus 65"
bad "simulate maybe: neither yes nor no" "simulate maybe"
bad "group no-such-group: no such group" "group no-such-group"
bad "connections 0: too small" "connections 0"
bad "drain 60001: too large" "drain 60001"
bad "limit wurst 1: no such limit" "limit wurst 1"
bad "limit spaces 1K: not a number" "limit spaces 1K"
bad "limit spaces: a value is missing" "limit spaces"
bad "user no-such-user limit spaces 1: no such user" \
	"user no-such-user limit spaces 1"
bad "user root spaces 1 1: limit is missing after the user" \
	"user root spaces 1 1"
bad "user root limit wurst 1: no such limit" "user root limit wurst 1"
bad "cpus 1 2 3 4 5 6: too many words" "cpus 1 2 3 4 5 6"
printf 'memory 64M\n%s\n' "$(echo {1..65})" >"$config"
expect 1 --check-config --config "$config"
one_line ": too many words"
bad "memory-block 3M: not a power of two" "memory-block 3M"
bad "pool a: region is missing" "pool a"
bad "pool a region -1: not a number" "pool a region -1"
bad "pool a region 8M requested 3M: requested is not a multiple of block" \
	"pool a region 8M requested 3M"
bad '\^[[2J: unknown setting' $'\033[2J'
bad "line too long" "$(head -c 2000 /dev/zero | tr '\0' x)"

# Pools that are right by themselves, and not where they are.
bad_pools() {
	printf 'memory 64M\nmemory-block 4M\n%s\n' "$2" >"$config"
	expect 1 --check-config --config "$config"
	one_line "$config:$1"
	expect 1 --config "$config" --socket "$work/s"
	one_line "$config:$1"
	[ ! -e "$work/s" ] || fail "it made a socket"
}
bad_pools "3: pool a: over boot memory" "pool a region 8M addr 8M"
bad_pools "3: pool a: region is not a multiple of the memory block" \
	"pool a region 6M"
bad_pools "3: pool a: beyond 16T" "pool a region 8G addr 16380G"
bad_pools "4: pool b: over the pool a" "pool a region 8M addr 64M
pool b region 8M addr 68M"
bad_pools "3: pool a: over the table nodes, from 480G to 512G" \
	"pool a region 8M addr 490G"
rm "$config"
expect 1 --pool a,region=1G,addr=0 --socket "$work/s"
one_line "--pool: pool a: over boot memory"

printf 'memory 64M\n\nlimit\0spaces 1\n' >"$config"
expect 1 --check-config --config "$config"
one_line "$config:3: not a text file"
head -c 2097152 /dev/zero | tr '\0' '\n' >"$config"
expect 1 --check-config --config "$config"
one_line "$config: File too large"
head -c 4096 "$pagerd" >"$config"
expect 1 --check-config --config "$config"
one_line "$config:"

# --- where it may not listen

long=$work/$(head -c 200 /dev/zero | tr '\0' x)
expect 1 --socket "$long"
one_line "the socket's path is longer than 107 bytes"
s=$work/$(head -c $((107 - ${#work} - 1)) /dev/zero | tr '\0' x)
[ "${#s}" -eq 107 ] || fail "a path of ${#s} bytes"
start --socket "$s"
"$ctl" --socket "$s" ping >/dev/null || fail "the longest path"
stop TERM
expect 1 --socket "${s}x"
one_line "the socket's path is longer than 107 bytes"

expect 1 --socket "$work/none/s"
one_line "$work/none/s.pid: cannot lock: No such file or directory"
echo precious >"$work/file"
expect 1 --socket "$work/file"
one_line "$work/file: exists and is not a socket"
[ "$(cat "$work/file")" = precious ] || fail "the file"
[ ! -e "$work/file.pid" ] || fail "the file's lock"
mkdir "$work/dir"
expect 1 --socket "$work/dir"
one_line "$work/dir: exists and is not a socket"
expect 1 --socket "$work/file/s"
one_line "$work/file/s.pid: cannot lock: Not a directory"
ln -s "$work/elsewhere" "$work/link"
expect 1 --socket "$work/link"
one_line "$work/link: exists and is not a socket"

# As somebody who may not write there: anybody, if we are root.
somebody=()
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	somebody=(setpriv --reuid 51001 --regid 51001 --clear-groups)
fi
if [ "$(id -u)" -ne 0 ] || { [ ${#somebody[@]} -gt 0 ] &&
	"${somebody[@]}" test -x "$pagerd"; }; then
	as=("${somebody[@]}")
	mkdir "$work/shut"
	chmod 555 "$work/shut"
	expect 1 --socket "$work/shut/s"
	one_line "$work/shut/s.pid: cannot lock: Permission denied"
	as=(env -u XDG_RUNTIME_DIR "${somebody[@]}")
	expect 1
	one_line "no --socket is given and XDG_RUNTIME_DIR is not set"
	mkdir "$work/run"
	chmod 777 "$work/run"
	as=(env "XDG_RUNTIME_DIR=$work/run" "${somebody[@]}")
	s=$work/run/pagerd.sock
	start
	"${as[@]}" "$ctl" ping >/dev/null || fail "the default socket"
	stop TERM
	as=()
else
	echo "in part: nobody here who may not write to a folder"
fi

# --- one of two

s=$work/s
start --socket "$s"
[ "$(cat "$work/ready")" = "ready $s" ] || fail "what --ready-fd says"
[ "$(cat "$s.pid")" = "$pid" ] || fail "the lock names $(cat "$s.pid")"
[ "$(stat -c %a "$s")" = 600 ] || fail "mode $(stat -c %a "$s")"
expect 1 --socket "$s"
one_line "$s: in use by a pagerd, process $pid"
# Even if the lock was taken away.
rm "$s.pid"
expect 1 --socket "$s"
one_line "$s: in use by another program"
"$ctl" --socket "$s" ping >/dev/null || fail "the first one was disturbed"
kill -TERM "$pid"
wait "$pid" || fail "without its lock it does not leave well"
[ ! -e "$s" ] || fail "the socket is left"

# What a dead one left is taken over.
for _ in 1 2 3; do
	start --socket "$s"
	"$ctl" --socket "$s" ping >/dev/null || fail "taking over"
	kill -9 "$pid"
	{ wait "$pid" || true; } 2>/dev/null
	[ -S "$s" ] && [ -e "$s.pid" ] || fail "it cleans up after kill -9?"
done
# Of many that take over at once one wins, and the others say so.
racers=()
for i in 1 2 3 4 5 6; do
	"$pagerd" --socket "$s" 2>"$work/race.$i" >/dev/null &
	racers+=($!)
	pids+=($!)
done
losers=0
for _ in $(seq 2000); do
	losers=$(cat "$work"/race.* | grep -c "in use by a pagerd") || true
	[ "$losers" -lt 5 ] || break
	sleep 0.01
done
[ "$losers" -eq 5 ] || fail "$losers of 6 say that they have lost"
"$ctl" --socket "$s" ping >/dev/null || fail "nobody has won"
for racer in "${racers[@]}"; do
	kill -TERM "$racer" 2>/dev/null || true
done
codes=
for racer in "${racers[@]}"; do
	code=0
	wait "$racer" || code=$?
	codes+=$code
done
[ "$(tr -d 1 <<<"$codes")" = 0 ] || fail "exit codes $codes"
[ ! -e "$s" ] && [ ! -e "$s.pid" ] || fail "something is left at $s"

# --- signals

cat >"$config" <<END
socket $s
group $(id -g)
limit spaces 11
END
: >"$work/log"
start --config "$config"
[ "$(stat -c %a.%g "$s")" = "660.$(id -g)" ] || fail "the group's mode"
spaces() {
	"$ctl" --socket "$s" --json user >"$work/out"
	says out "\"spaces\":{\"used\":0,\"limit\":$1}"
}
spaces 11
printf 'limit spaces 12\nmemory 2M\ncpus 3\n' >"$config"
kill -HUP "$pid"
until_said "took the configuration $config" 1
says log "the new memory is taken at the next start"
says log "the new cpus is taken at the next start"
says log "the new socket is taken at the next start"
[ "$(stat -c %a "$s")" = 600 ] || fail "the mode after SIGHUP"
spaces 12
printf 'limit spaces 13\nlimit wurst 1\n' >"$config"
kill -HUP "$pid"
until_said "$config:2: limit wurst 1: no such limit (the old configuration stays)" 1
spaces 12
rm "$config"
kill -HUP "$pid"
until_said "$config: No such file or directory (the old configuration stays)" 1
spaces 12
"$ctl" --socket "$s" check >/dev/null || fail "not sound"
stop TERM
: >"$work/log"
start --socket "$s"
kill -HUP "$pid"
until_said "SIGHUP: there is no configuration file" 1
stop INT
says log "leaving (SIGINT)"

# Options win over the configuration.
printf 'socket %s/other\nmemory 64M\nsimulate no\n' "$work" >"$config"
start --config "$config" --socket "$s" --memory 1M --simulate
[ ! -e "$work/other" ] || fail "the socket of the configuration"
says log "256 frames without memory"
stop TERM

# A descriptor that is not there is not confused with what comes later.
for fd in 3 4 5 6 99; do
	expect 1 --socket "$s" --ready-fd "$fd"
	one_line "--ready-fd $fd: Bad file descriptor"
done
[ ! -e "$s" ] && [ ! -e "$s.pid" ] || fail "it has listened"

# Without standard streams nothing else gets their numbers, to be logged into.
"$pagerd" --socket "$s" <&- >&- 2>&- &
pid=$!
pids+=("$pid")
for _ in $(seq 2000); do
	! "$ctl" --socket "$s" ping >/dev/null 2>&1 || break
	sleep 0.01
done
"$ctl" --socket "$s" ping >/dev/null || fail "without standard streams"
for fd in 0 1 2; do
	[ "$(readlink "/proc/$pid/fd/$fd")" = /dev/null ] ||
		fail "standard stream $fd is something else"
done
stop TERM
echo "daemon: as it should be"
