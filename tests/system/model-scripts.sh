#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Random sequences through the whole house: the model test writes them as
# scripts, each operation with what the naive oracle says must be answered, and
# pagerctl runs them against a daemon. Afterwards the daemon's recount is clean
# and nothing of the scripts is left.
#
# PAGER_SEED and PAGER_SEEDS choose others, as for the model test.
set -euo pipefail

model=$PAGER_BIN/../tests/model/test_model
first=${PAGER_SEED:-1}
seeds=${PAGER_SEEDS:-6}
work=$(mktemp -d "${TMPDIR:-/tmp}/pager-model.XXXXXX")
daemon=
stop() {
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" || true
	daemon=
}
trap 'stop; rm -rf "$work"' EXIT

fail() {
	echo "model-scripts: $*" >&2
	[ ! -s "$work/out" ] || cut -c 1-300 "$work/out" | tail -n 5 >&2
	exit 1
}

export PAGER_SOCKET=$work/socket
coproc "$PAGER_BIN/pagerd" --socket "$work/socket" --ready-fd 1 \
	2>"$work/log"
daemon=$COPROC_PID
read -r -t 60 -u "${COPROC[0]}" _ || fail "the daemon is not ready"

ran=0
for shape in small straddle zero stacks large; do
	for ((seed = first; seed < first + seeds; seed++)); do
		PAGER_PRINT=1 PAGER_SHAPE=$shape PAGER_SEED=$seed \
			"$model" >"$work/script" 2>"$work/out" ||
			fail "no script for $shape, seed $seed"
		[ -s "$work/script" ] || fail "an empty script for $shape"
		"$PAGER_BIN/pagerctl" run "$work/script" >"$work/out" 2>&1 ||
			fail "$shape, seed $seed, exit $?"
		ran=$((ran + 1))
	done
done

"$PAGER_BIN/pagerctl" check >"$work/out" 2>&1 || fail "the recount"
left=$("$PAGER_BIN/pagerctl" --json spaces | tr -d ' \n')
[ "$left" = "[]" ] || fail "spaces are left: $left"
stop
echo "$ran scripts"
