#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pager-record records real programs: every line is checked against the format
# and against the lines before it, and pager-replay must find pagerd's result
# equal to Linux's. Exit code 77: no root, or a kernel without tracepoints.
set -euo pipefail

skip() {
	echo "record: skipped: $*"
	exit 77
}

fail() {
	echo "record: $*" >&2
	exit 1
}

[ "$(id -u)" -eq 0 ] || skip "needs root"
record=$PAGER_BIN/pager-record
replay=$PAGER_BIN/pager-replay
work=$(mktemp -d "${TMPDIR:-/tmp}/pager-record.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$record" -o "$work/true" -- true 2>"$work/why" || {
	grep -Eq 'as root|no tracepoint|tracefs|perf events' "$work/why" &&
		skip "$(head -n 1 "$work/why")"
	fail "cannot record true: $(cat "$work/why")"
}

# check FILE: prints "LINES PROCESSES", or what is wrong and where
check() {
	awk '
	function bad(what) {
		printf "%s:%d: %s: %s\n", FILENAME, FNR, what, $0
		wrong++
	}
	BEGIN {
		hex = "[0-9a-f]+"
		dec = "[0-9]+"
		file = hex ":" hex ":" dec
		perm = "[r-][w-][x-][ps]"
		map = hex " " hex " " perm " " hex " " file " " dec " " dec " [^ ]+"
		form["exec"] = "[^ ]+"
		form["vma"] = form["end"] = map
		form["resident"] = hex
		form["mmap"] = hex " " hex " " hex " " hex " (-|" file ") " hex " = " hex
		form["munmap"] = hex " " hex " = -?" dec
		form["mprotect"] = hex " " hex " " hex " = -?" dec
		form["mremap"] = hex " " hex " " hex " " hex " " hex " = " hex
		form["brk"] = hex " = " hex
		form["madvise"] = hex " " hex " " dec " = -?" dec
		form["fork"] = form["vfork"] = form["thread"] = dec
		form["fault"] = hex " " hex
	}
	FNR == 1 {
		if ($0 != "# vmtrace 1")
			bad("not the first line of a vmtrace")
		next
	}
	/^#/ {
		bad("a comment")
		next
	}
	{
		lines++
		fields = $0
		if (sub("^" dec " " dec " [a-z]+ ?", "", fields) != 1)
			bad("not TIME PID EVENT")
		if ($3 == "exit" ? fields != "" : !($3 in form))
			bad("no such event")
		else if ($3 != "exit" && fields !~ "^" form[$3] "$")
			bad("not the fields of this event")
		if (lines == 1 && ($1 != 0 || $3 != "exec"))
			bad("does not begin with an exec at time 0")
		if ($1 < time)
			bad("time goes back")
		time = $1
		if (lines == 1)
			alive[$2] = 1
		else if (!($2 in alive))
			bad("a process that does not exist")
		if ($3 == "fork" || $3 == "vfork")
			alive[$4] = 1
		if ($3 == "vma" && last[$2] !~ /^(exec|vma|resident)$/)
			bad("a vma that is not of an exec")
		if ($3 == "resident" && last[$2] !~ /^(vma|resident)$/)
			bad("a resident page without a vma")
		if (last[$2] == "end" && $3 != "end" && $3 != "exit")
			bad("an event after the end")
		if ($3 == "exit") {
			if (last[$2] != "end")
				bad("an exit without end lines")
			processes++
			delete alive[$2]
		}
		last[$2] = $3
	}
	END {
		for (pid in alive) {
			printf "%s: process %s never exits\n", FILENAME, pid
			wrong++
		}
		if (!wrong)
			print lines, processes
		exit wrong != 0
	}' "$1"
}

# has FILE PATTERN...: each matches some line
has() {
	local file=$1 pattern
	shift
	for pattern; do
		grep -Eq "$pattern" "$file" || fail "$file has no $pattern"
	done
}

# try NAME PROCESSES EXIT COMMAND...: records, checks, replays
try() {
	local name=$1 processes=$2 status=$3 result
	local file=$work/$name
	shift 3
	"$record" --json -o "$file" -- "$@" >"$work/out" ||
		fail "$name: exit code $?"
	tail -n 1 "$work/out" | grep -q '"missing":0,.*"exit":'"$status}" ||
		fail "$name: the summary is $(tail -n 1 "$work/out")"
	result=$(check "$file") || fail "$result"
	[ "${result#* }" -eq "$processes" ] ||
		fail "$name: ${result#* } processes, not $processes"
	if [ -x "$replay" ]; then
		"$replay" --spawn --verify "$file" >"$work/out" 2>&1 || {
			tail -n 20 "$work/out"
			fail "$name: the replay is not equal"
		}
	fi
	echo "record: $name: ${result% *} events"
}

check "$work/true" >"$work/out" || fail "$(cat "$work/out")"
if sed 's/ fault \(.*\) / fault \1z /' "$work/true" >"$work/wrong" &&
	check "$work/wrong" >"$work/out"; then
	fail "the check of the format lets anything pass"
fi

try pipe 4 3 sh -c 'seq 1 2000 | sort -r | head -n 3; exit 3'
has "$work/pipe" ' fork ' ' exec sort$' ' mmap .* 2 [0-9a-f]+:' \
	' mprotect ' ' fault [0-9a-f]+ 14$'
try threads 1 0 sort -n --parallel=2 -S 32M \
	-o "$work/sorted" <(seq 300000 -1 1)
has "$work/threads" ' thread '
try killed 2 0 sh -c 'sh -c "kill -9 \$\$"; true'

code=0
"$record" -o "$work/none" -- "$work/no-such-command" 2>"$work/why" || code=$?
[ "$code" -eq 1 ] || fail "a command that is not there: exit code $code"
[ ! -e "$work/none" ] || fail "a recording of nothing was left behind"
code=0
"$record" true 2>"$work/why" || code=$?
[ "$code" -eq 2 ] || fail "no -o: exit code $code"
[ -x "$replay" ] || echo "record: pager-replay is not built: not replayed"
