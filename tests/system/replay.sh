#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 # awk programs stand in single quotes
#
# pager-replay against recordings of Linux: the ones that come with the
# project, and one of a program that makes every call the unusual way. What it
# must count is counted here a second time, by awk over the same files; and a
# recording that was tampered with must be found out.
set -euo pipefail

replay=$PAGER_BIN/pager-replay
pagerd=$PAGER_BIN/pagerd
traces=("$PAGER_SRC"/tests/data/traces/*.vmtrace)
odd=$PAGER_SRC/tests/data/replay/calls.vmtrace
all=("${traces[@]}" "$odd")
few=("$PAGER_SRC"/tests/data/traces/sqlite.vmtrace "$odd")
work=$(mktemp -d "${TMPDIR:-/tmp}/pager-replay.XXXXXX")
daemon=

cleanup() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

fail() {
	echo "replay: $*" >&2
	for file in "$work"/out "$work"/err; do
		[ ! -s "$file" ] || {
			echo "--- $file" >&2
			tail -n 40 "$file" >&2
		}
	done
	exit 1
}

# run CODE ARGUMENT...: pager-replay must leave with this code.
run() {
	local want=$1 code=0
	shift
	"$replay" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
	[ "$code" -eq "$want" ] || fail "exit $code, not $want: $*"
}

# field NAME: the number behind NAME in the last line, which must have the
# exact form.
field() {
	tail -n 1 "$work/out" | grep -Eq '^replay: processes [0-9]+ identical [0-9]+ private-pages [0-9]+ differing [0-9]+ refused [0-9]+$' ||
		fail "the last line has another form: $(tail -n 1 "$work/out")"
	tail -n 1 "$work/out" | sed "s/.* $1 \([0-9]*\).*/\1/"
}

# expected FILE...: processes and private pages, counted from the files.
expected() {
	awk '$3 == "exit" { processes++ }
	$3 == "end" && $6 ~ /p$/ && $11 !~ /^\[vv/ && $11 != "[vdso]" {
		pages += $10
	}
	END { print processes, pages }' "$@"
}

check_identical() {
	local processes pages
	read -r processes pages < <(expected "$@")
	[ "$(field processes)" -eq "$processes" ] || fail "processes: not $processes"
	[ "$(field identical)" -eq "$processes" ] || fail "not all are identical"
	[ "$(field private-pages)" -eq "$pages" ] || fail "pages: not $pages"
	[ "$(field differing)" -eq 0 ] || fail "something differs"
	[ "$(field refused)" -eq 0 ] || fail "something was refused"
}

echo "each recording alone"
: >"$work/alone"
for trace in "${all[@]}"; do
	run 0 --spawn --verify --json "$trace"
	sed '$d' "$work/out" >>"$work/alone"
	run_processes=$(wc -l <"$work/out")
	[ "$(grep -c '"identical":true' "$work/out")" -eq $((run_processes - 1)) ] ||
		fail "JSON: not all are identical: $trace"
	read -r processes pages < <(expected "$trace")
	tail -n 1 "$work/out" | grep -q "^{\"processes\":$processes,\"identical\":$processes,\"private_pages\":$pages,\"differing\":0,\"refused\":0," ||
		fail "JSON: the last object: $trace"
done

echo "all of them, several at a time: the same"
run 0 --spawn --verify --jobs 4 --json "${all[@]}"
diff "$work/alone" <(sed '$d' "$work/out") >&2 || fail "jobs change the answer"

echo "rows, a row a file, pictures, the last line alone"
run 0 --spawn --verify "${few[@]}"
check_identical "${few[@]}"
read -r processes pages < <(expected "${few[@]}")
[ "$(grep -c ' identical$' "$work/out")" -eq "$processes" ] || fail "rows"
run 0 --spawn --verify --by-file --picture "${few[@]}"
check_identical "${few[@]}"
[ "$(grep -c ' identical$' "$work/out")" -eq ${#few[@]} ] || fail "rows"
grep -q '^A forked pair of ' "$work/out" || fail "no picture"
run 0 --spawn --verify --quiet "${few[@]}"
check_identical "${few[@]}"
[ "$(wc -l <"$work/out")" -eq 1 ] || fail "quiet is more than a line"

echo "without --verify nothing is identical, and nothing is wrong"
run 0 --spawn "${few[@]}"
[ "$(field identical)" -eq 0 ] || fail "identical to what?"
[ "$(field processes)" -eq "$processes" ] || fail "processes: not $processes"
[ "$(field private-pages)" -eq "$pages" ] || fail "pages: not $pages"

# What a pool does meanwhile must not be seen; and it must do something.
echo "a pool that breathes changes nothing"
for wrong in 64M 64M..32M 1M..64M ..64M 64M.. 64M..64M -8M..8M; do
	run 2 --spawn "--breathe=$wrong" "${few[0]}"
	grep -q 'multiples of 8M' "$work/err" || fail "not said: $wrong"
done
run 2 --socket "$work/nobody" --breathe 0..64M "${few[0]}"
: >"$work/breathing"
for trace in "${traces[@]}"; do
	run 0 --spawn --verify --breathe 0..64M --json "$trace"
	sed '$d' "$work/out" >>"$work/breathing"
	tail -n 1 "$work/out" >>"$work/breaths"
	for name in wishes plugged unplugged; do
		tail -n 1 "$work/out" |
			grep -Eq "\"breathe\":.*\"$name\":[1-9]" ||
			fail "nothing $name: $trace"
	done
done
grep -q '"moved":[1-9]' "$work/breaths" || fail "no page was ever moved"
run 0 --spawn --verify --quiet --jobs 2 --breathe 8M..32M "${few[@]}"
check_identical "${few[@]}"
diff <(head -n "$(wc -l <"$work/breathing")" "$work/alone") \
	"$work/breathing" >&2 || fail "breathing changes the answer"

# tampered NAME EDIT DIFFERS: awk program EDIT over a recording must
# be found out: exit 1, and DIFFERS is how many pages differ (+: some; *: some,
# or a refusal).
tampered() {
	local source edit=$2 differs=$3
	source=$(printf '%s\n' "${all[@]}" | grep "/$1.vmtrace$")
	awk "$edit" "$source" >"$work/tampered.vmtrace"
	! cmp -s "$source" "$work/tampered.vmtrace" || fail "nothing was edited: $edit"
	run 1 --spawn --verify "$work/tampered.vmtrace"
	case $differs in
	+) [ "$(field differing)" -gt 0 ] || fail "not found: $edit" ;;
	'*') [ $(($(field differing) + $(field refused))) -gt 0 ] ||
		fail "not found: $edit" ;;
	*) [ "$(field differing)" -eq "$differs" ] ||
		fail "not $differs: $edit" ;;
	esac
	[ "$(field identical)" -lt "$(field processes)" ] || fail "all identical: $edit"
	grep -q '^ *linux: ' "$work/out" || fail "Linux's side is not shown: $edit"
	grep -q '^ *pagerd: ' "$work/out" || fail "pagerd's side is not shown: $edit"
	grep -q "tampered.vmtrace: process " "$work/out" ||
		fail "not said which process: $edit"
}

echo "what was tampered with is found"
first_end='$3 == "end" && $6 == "rw-p" && $10 > 4 && !done { done = 1;'
tampered sqlite "$first_end \$10++ } 1" 1
tampered sqlite "$first_end \$10 -= 3 } 1" 3
tampered sqlite "$first_end \$6 = \"r--p\" } 1" +
tampered sqlite "$first_end \$6 = \"rw-s\" } 1" +
tampered sqlite "$first_end next } 1" +
tampered sqlite \
	'$3 == "end" { last = $0 } $3 == "exit" { sub(/ end .*/, " end 1000 4000 rw-p 0 0:0:0 0 0 -", last); print last } 1' 3
tampered sqlite '$3 == "mmap" && $6 == "3" && ++n == 2 { next } 1' +
tampered sqlite '$3 == "munmap" && !done { done = 1; next } 1' +
tampered sqlite '$3 == "mprotect" && !done { done = 1; next } 1' +
tampered python '$3 == "mremap" { next } 1' '*'
tampered cc '$3 == "brk" && $4 != "0" { next } 1' +
tampered calls '$3 == "madvise" { next } 1' +
# The first write to a page of the stack after exec, and nothing else.
tampered sqlite \
	'$3 == "fault" && $4 ~ /^7ff/ && !done { done = 1; next } 1' 1
tampered calls '$3 == "end" { next } 1' 0

echo "a mapping where pagerd has something already is refused"
tampered sqlite \
	'{ print } $3 == "mmap" && $NF !~ /^ffff/ && $4 == "0" && !done { done = 1; print }' 0
[ "$(field refused)" -eq 1 ] || fail "the second mapping was not refused"

echo "a daemon without room refuses, and that is said"
"$pagerd" --socket "$work/socket" --memory 1M 2>"$work/daemon.log" &
daemon=$!
for _ in $(seq 100); do
	[ ! -S "$work/socket" ] || break
	sleep 0.1
done
run 1 --socket "$work/socket" --verify "${few[@]}"
[ "$(field refused)" -gt 0 ] || fail "1 MiB was enough"
grep -q 'ENOMEM' "$work/out" || fail "not said why"
kill -0 "$daemon" || fail "the daemon died"

echo "the daemon keeps nothing of a replay"
if [ -x "$PAGER_BIN/pagerctl" ]; then
	"$PAGER_BIN/pagerctl" --socket "$work/socket" check >"$work/out" ||
		fail "the recount found a difference"
	"$PAGER_BIN/pagerctl" --socket "$work/socket" --json stats >"$work/out"
	for name in spaces objects regions; do
		grep -Eq "\"$name\": ?0[,}]" "$work/out" || fail "$name are left"
	done
fi

echo "a daemon that goes away is told from one that never was"
run 3 --socket "$work/nobody" "${traces[0]}"
grep -q 'cannot connect' "$work/err" || fail "not said what is wrong"
kill "$daemon"
wait "$daemon" || fail "the daemon did not end well"
daemon=
run 3 --socket "$work/socket" "${traces[0]}"

echo "replay: all is well"
