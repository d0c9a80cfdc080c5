#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Recordings and scripts that are no good: cut short at any byte, binary, with
# an unknown event, an endless line, numbers that do not fit. Each is refused
# with file, line and reason and exit code 2, before anything is replayed.
set -euo pipefail

replay=$PAGER_BIN/pager-replay
source=$PAGER_SRC/tests/data/traces/sqlite.vmtrace
work=$(mktemp -d "${TMPDIR:-/tmp}/pager-bad.XXXXXX")
trap 'rm -rf "$work"' EXIT
checked=0

fail() {
	echo "bad-files: $*" >&2
	[ ! -s "$work/err" ] || head -n 5 "$work/err" | cut -c 1-300 >&2
	exit 1
}

# refused LINE REASON: the file $work/bad is, at that line (* any), for that
# reason (an extended regular expression). No daemon is there to be asked.
refused() {
	local code=0
	"$replay" --socket "$work/nobody" --verify "$work/bad" \
		>"$work/out" 2>"$work/err" </dev/null || code=$?
	[ "$code" -eq 2 ] || fail "exit $code, not 2: $2"
	[ ! -s "$work/out" ] || fail "something on standard output: $2"
	[ "$(wc -l <"$work/err")" -eq 1 ] || fail "not one line: $2"
	[ "$1" != '*' ] || set -- '[0-9]+' "$2"
	grep -Eq "^$work/bad:$1: .*$2" "$work/err" || fail "not line $1: $2"
	checked=$((checked + 1))
}

# lines LINE...: a recording of these lines.
lines() {
	{
		echo '# vmtrace 1'
		printf '%s\n' "$@"
	} >"$work/bad"
}

echo "a recording cut short at any byte"
size=$(wc -c <"$source")
step=$((size / 60 + 1))
for ((at = 1; at < size; at += step)); do
	head -c "$at" "$source" >"$work/bad"
	refused '*' 'cut short|not a vmtrace'
done
head -c $((size - 1)) "$source" >"$work/bad"
refused '*' 'cut short'
for count in 1 2 100; do
	head -n "$count" "$source" >"$work/bad"
	refused '*' 'cut short'
done
grep -v ' exit$' "$source" >"$work/bad"
refused '*' 'cut short'

echo "what is no recording at all"
: >"$work/bad"
refused 1 'empty'
cp "$replay" "$work/bad"
refused 1 'binary'
head -c 100000 /dev/urandom >"$work/bad"
refused 1 '.'
echo 'hello' >"$work/bad"
refused 1 'not a vmtrace'
echo '# vmtrace 2' >"$work/bad"
refused 1 'version'
sed '1d' "$source" >"$work/bad"
refused 1 'not a vmtrace'
awk '{ print } NR == 500 { printf "%c", 0; print "" }' "$source" >"$work/bad"
refused 501 'binary'

echo "a line without end"
{
	head -n 20 "$source"
	head -c 1048576 /dev/zero | tr '\0' a
	echo
	tail -n +21 "$source"
} >"$work/bad"
refused 21 'longer than'
{
	head -n 20 "$source"
	printf '# '
	head -c 1048576 /dev/zero | tr '\0' a
} >"$work/bad"
refused 21 'longer than'

echo "lines that mean nothing"
lines '1 10 exec a' '2 10 shmat 1 2' '3 10 exit'
refused 3 'unknown event "shmat"'
lines '1 10'
refused 2 'unknown event ""'
lines 'x 10 exit'
refused 2 'the time'
lines '18446744073709551616 10 exit'
refused 2 'the time'
lines '1 0 exit'
refused 2 'the process id'
lines '1 4294967297 exit'
refused 2 'the process id'
lines '1 10 exit 7'
refused 2 'follows'
lines '1 10 fault 1000'
refused 2 'fault: field 2 .*missing'
lines '1 10 fault 0x1000 4'
refused 2 'fault: field 1 .*hexadecimal'
lines '1 10 fault 10000000000000000 4'
refused 2 'fault: field 1 .*hexadecimal'
lines '1 10 fault 1000 100000000'
refused 2 'fault: field 2 .*32 bits'
lines '1 10 mmap 0 1000 3 22 - 0 7f0000000000'
refused 2 'mmap: field 7 .*not ='
lines '1 10 mmap 0 1000 3 22 - 0 = 7f0000000001'
refused 2 'mmap: the result'
lines '1 10 mmap 0 1000 3 22 fe:0 0 = 7f0000000000'
refused 2 'mmap: field 5 .*file'
lines '1 10 munmap 1000 1000 = 0x0'
refused 2 'munmap: field 4 .*decimal'
lines '1 10 madvise 1000 1000 99999999999999999999 = 0'
refused 2 'madvise: field 3 .*decimal'
lines '1 10 vma 2000 1000 rw-p 0 0:0:0 0 0 -'
refused 2 'vma: the end'
lines '1 10 vma 1001 2000 rw-p 0 0:0:0 0 0 -'
refused 2 'vma: not at page'
lines '1 10 vma 1000 2000 rwzp 0 0:0:0 0 0 -'
refused 2 'vma: field 3 .*permissions'
lines '1 10 end 1000 2000 rw-p 0 0:0:0 2 2 -'
refused 2 'end: more pages'
lines '1 10 end 1000 2000 rw-p 0 0:0:0 0 0'
refused 2 'end: the name'

echo "recordings whose processes make no sense"
lines '1 10 exec a' '2 10 exit' '3 11 mmap 0 1000 3 22 - 0 = 1000' '4 11 exit'
refused 4 'comes from nowhere'
lines '1 10 exec a' '2 10 fork 11' '3 10 fork 11' '4 11 exit' '5 10 exit'
refused 4 'is forked, but is there'
lines '1 10 exec a' '2 10 fork 11' '3 10 exit'
refused 3 'process 11 has no exit'
lines '1 10 exec a' '2 11 fault 1 4' '3 12 fault 1 4' '4 11 fork 12' \
	'5 12 fork 11' '6 11 exit' '7 12 exit' '8 10 exit'
refused 6 'its own ancestor'
lines '1 10 exec a' '2 10 vma 1000 2000 rw-p 0 0:0:0 1 1 -' \
	'3 10 resident 2000' '4 10 exit'
refused 4 'resident page outside'

echo "files that cannot be read, and one bad one among good ones"
rm "$work/bad"
code=0
"$replay" --spawn "$work/bad" >"$work/out" 2>"$work/err" || code=$?
[ "$code" -eq 2 ] || fail "a missing file: exit $code"
grep -q "$work/bad: No such file" "$work/err" || fail "a missing file"
code=0
"$replay" --spawn "$work" >"$work/out" 2>"$work/err" || code=$?
[ "$code" -eq 2 ] || fail "a folder: exit $code"
lines '1 10 nonsense'
code=0
"$replay" --spawn "$source" "$work/bad" "$source" \
	>"$work/out" 2>"$work/err" || code=$?
[ "$code" -eq 2 ] || fail "a bad one among good ones: exit $code"
[ ! -s "$work/out" ] || fail "something was replayed"

echo "command lines that are wrong"
for arguments in '' '--verify' '--nonsense x' '--jobs 0 x' '--jobs many x' \
	'--socket' '--spawn --socket x y'; do
	code=0
	# shellcheck disable=SC2086
	"$replay" $arguments >"$work/out" 2>"$work/err" </dev/null || code=$?
	[ "$code" -eq 2 ] || fail "exit $code, not 2: pager-replay $arguments"
	[ -s "$work/err" ] || fail "nothing said: pager-replay $arguments"
done

# script REASON: pagerctl's script $work/script is refused likewise, without a
# daemon.
script() {
	local code=0
	"$PAGER_BIN/pagerctl" --socket "$work/nobody" run "$work/script" \
		>"$work/out" 2>"$work/err" </dev/null || code=$?
	[ "$code" -eq 2 ] || fail "exit $code, not 2: a script, $1"
	grep -Eq "$work/script:[0-9]+: " "$work/err" || fail "a script, $1"
	checked=$((checked + 1))
}

if [ -x "$PAGER_BIN/pagerctl" ]; then
	echo "scripts"
	printf 'space a\nmap a 0x10000 0x4000' >"$work/script"
	script 'cut short'
	printf 'space a\nfrobnicate a\n' >"$work/script"
	script 'an unknown operation'
	printf 'space a\nmap a 0x1000000000000000000 1 r\n' >"$work/script"
	script 'a number too large'
	cp "$replay" "$work/script"
	script 'binary'
	{
		echo 'space a'
		head -c 1048576 /dev/zero | tr '\0' a
		echo
	} >"$work/script"
	script 'a line of 1 MiB'
fi

echo "bad-files: $checked bad files were refused"
