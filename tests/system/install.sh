#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Installs into an empty folder (DESTDIR) and uses what is there as a stranger
# would: every program and man page is in its place, every public header
# compiles alone, as C and as C++, and a program links with libpager through
# pkg-config and through its CMake package.
set -euo pipefail

build=$(cd "$PAGER_BIN/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/pager-install.XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
	echo "install: $*" >&2
	exit 1
}

cached() {
	sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}

DESTDIR=$work/root cmake --install "$build" >"$work/log" || {
	cat "$work/log"
	fail "cmake --install failed"
}
prefix=$work/root$(cached CMAKE_INSTALL_PREFIX)

for program in "$PAGER_BIN"/*; do
	name=${program##*/}
	[ -x "$prefix/bin/$name" ] || [ -x "$prefix/sbin/$name" ] ||
		fail "$name is not installed"
done

pages=0
while read -r page; do
	[ -f "$prefix/share/man/man${page##*.}/${page##*/}" ] ||
		fail "$page is not installed"
	pages=$((pages + 1))
done < <(find "$PAGER_SRC"/{proto,server,lib,tools} -name '*.[1-8]')

[ -f "$prefix/lib/libpager.a" ] || [ -n "$(find "$prefix/lib" \
	-name libpager.a)" ] || fail "libpager.a is not installed"

compiler=$(cached CMAKE_C_COMPILER)
[ -n "$compiler" ] || compiler=$(sed -n 's/^set(CMAKE_C_COMPILER "\(.*\)")/\1/p' \
	"$build"/CMakeFiles/*/CMakeCCompiler.cmake)
read -ra flags < <(cached CMAKE_EXE_LINKER_FLAGS) || true
sanitize=$(cached PAGER_SANITIZE)
[ -z "$sanitize" ] || flags+=("-fsanitize=$sanitize")

headers=0
for header in "$prefix"/include/pager/*.h; do
	name=${header##*/}
	echo "#include <pager/$name>" >"$work/one.c"
	cp "$work/one.c" "$work/one.cc"
	"$compiler" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
		-I"$prefix/include" "$work/one.c" ||
		fail "<pager/$name> does not compile alone"
	! command -v g++ >/dev/null ||
		g++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only \
			-I"$prefix/include" "$work/one.cc" ||
		fail "<pager/$name> does not compile alone as C++"
	headers=$((headers + 1))
done
[ "$headers" -gt 0 ] || fail "no headers are installed"
! grep -rn '"proto/' "$prefix/include" ||
	fail "an installed header includes a file that is not installed"

mkdir "$work/user"
cat >"$work/user/user.c" <<'END'
#include <pager/pager.h>

#include <stdio.h>

int main(void)
{
	struct pager *pager = pager_connect("/nonexistent/socket");

	printf("%s\n", pager ? "connected" : "no daemon");
	return pager ? 1 : 0;
}
END
cat >"$work/user/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(pager CONFIG REQUIRED)
add_executable(user user.c)
target_link_libraries(user PRIVATE pager::pager)
END

libdir=$(dirname "$(find "$prefix" -name libpager.a)")
read -ra package < <(PKG_CONFIG_PATH=$libdir/pkgconfig \
	pkg-config --cflags --libs pager)
"$compiler" -std=c11 "$work/user/user.c" -o "$work/by-pkg-config" \
	"${package[@]}" "${flags[@]}" || fail "no program through pkg-config"
"$work/by-pkg-config"

if ! { cmake -S "$work/user" -B "$work/user/build" -DCMAKE_PREFIX_PATH="$prefix" \
	-DCMAKE_C_COMPILER="$compiler" \
	-DCMAKE_EXE_LINKER_FLAGS="${flags[*]}" >"$work/log" 2>&1 &&
	cmake --build "$work/user/build" >>"$work/log" 2>&1; }; then
	cat "$work/log"
	fail "no program through the CMake package"
fi
"$work/user/build/user"

echo "install: $headers headers, $pages man pages, both ways to link work"
