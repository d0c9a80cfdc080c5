#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The check of the layers must be able to fail: each line below is an include
# in a folder, with what tools/check-layers has to say about it.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/pager-layers.XXXXXX")
trap 'rm -rf "$work"' EXIT
wrong=0 tried=0

while read -r expected folder include; do
	tried=$((tried + 1))
	rm -rf "$work/tree"
	mkdir -p "$work/tree/$folder"
	printf '#include %s\n' "$include" >"$work/tree/$folder/a.c"
	found=allowed
	"$PAGER_SRC/tools/check-layers" "$work/tree" >/dev/null ||
		found=refused
	[ "$found" = "$expected" ] || {
		echo "$folder: #include $include is $found, not $expected"
		wrong=$((wrong + 1))
	}
done <<'END'
allowed proto "proto/pager_abi.h"
refused proto "lib/base/slab.h"
refused proto <sys/socket.h>
refused proto <stdlib.h>
allowed lib/base "lib/base/slab.h"
allowed lib/base <bsd/sys/queue.h>
refused lib/base "proto/pager_wire.h"
refused lib/base "lib/core/core.h"
allowed lib/core "lib/base/slab.h"
allowed lib/core "proto/pager_abi.h"
refused lib/core "proto/pager_wire.h"
refused lib/core "lib/mmu/sim.h"
refused lib/core "server/session.h"
refused lib/core <unistd.h>
refused lib/core <time.h>
refused lib/core "core.h"
refused lib/core "../core/core.h"
refused lib/core MACRO
allowed lib/mmu "lib/core/core.h"
refused lib/mmu "server/session.h"
refused lib/mmu <pager/pager.h>
allowed lib/client "proto/pager_wire.h"
allowed lib/client <pager/pager.h>
refused lib/client "lib/base/slab.h"
refused lib/client "server/session.h"
allowed server "lib/mmu/sim.h"
allowed server "proto/pager_wire.h"
allowed server <sys/socket.h>
refused server <pager/pager.h>
refused server "lib/client/client.h"
allowed include/pager <pager/wire.h>
refused include/pager "lib/base/slab.h"
allowed tools/bench "lib/core/core.h"
refused tools/replay "lib/core/core.h"
refused tools/examples "proto/pager_wire.h"
allowed tests/unit "lib/core/core.h"
refused lib/new "lib/base/slab.h"
END
[ "$wrong" -eq 0 ]
echo "layers: $tried includes judged rightly"
