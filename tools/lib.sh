# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# Shared by the scripts in tools/: messages, the packages each task needs, and
# installing the ones that are missing. Sourced, never run. The caller has set
# -euo pipefail. It works in any folder and reads nothing from standard input.

PAGER_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PAGER_ME=tools/$(basename "$0")

# Packages by task. Building and tests need nothing else.
# shellcheck disable=SC2034
{
	PAGER_PKGS_BUILD=(build-essential cmake ninja-build pkg-config
		libbsd-dev)
	PAGER_PKGS_TEST=(check)
	PAGER_PKGS_MUSL=(musl-tools dpkg-dev xz-utils patch)
	PAGER_PKGS_LINT=(clang-format mandoc)
	PAGER_PKGS_FUZZ=(clang libclang-rt-dev)
}

say() {
	printf '%s: %s\n' "$PAGER_ME" "$*"
}

warn() {
	printf '%s: %s\n' "$PAGER_ME" "$*" >&2
}

die() {
	warn "$@"
	exit 1
}

# usage_error MESSAGE: the caller was called wrongly.
usage_error() {
	warn "$1 (try --help)"
	exit 2
}

# run_logged NAME COMMAND...: runs a command with its output in build/log/NAME;
# on failure shows the end of it and returns the command's exit code.
run_logged() {
	local log="$PAGER_ROOT/build/log/$1" status=0
	shift
	mkdir -p "${log%/*}"
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if [ "$status" -ne 0 ]; then
		tail -n 40 "$log" >&2
		warn "failed (exit $status): $*; all of it is in $log"
	fi
	return "$status"
}

# missing_packages PACKAGE...: prints those that are not installed.
missing_packages() {
	local package state
	for package in "$@"; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$package" \
			2>/dev/null) || state=none
		[ "$state" = installed ] || printf '%s\n' "$package"
	done
}

# as_root COMMAND...: fails with 125 if there is no right to.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		sudo -n "$@"
	else
		return 125
	fi
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=120 "$@"
}

# try_install PACKAGE...: installs what is missing; returns 1, having said
# why and which line would do it, if it cannot.
try_install() {
	local -a missing
	local line
	if ! command -v dpkg-query >/dev/null; then
		warn "no dpkg here: cannot check for the packages $*"
		return 0
	fi
	mapfile -t missing < <(missing_packages "$@")
	[ "${#missing[@]}" -gt 0 ] || return 0
	line="apt-get update && apt-get install -y --no-install-recommends"
	line="$line ${missing[*]}"
	if ! as_root true; then
		warn "missing packages; as root, run: $line"
		return 1
	fi
	say "installing ${missing[*]}"
	# An update may fail in part, or for want of a network, and the
	# packages still be at hand: only the installation decides.
	run_logged apt-update.log apt_get update ||
		warn "apt-get update failed, trying to install all the same"
	if ! run_logged apt-install.log apt_get install \
		--no-install-recommends "${missing[@]}"; then
		warn "cannot install; as root, run: $line"
		return 1
	fi
}

# install_missing PACKAGE...: as try_install, but ends the script.
install_missing() {
	try_install "$@" || exit 1
}
