# SPDX-License-Identifier: BSD-2-Clause
#
# Toolchain of the musl preset: a static PIE against the libraries that
# tools/musl-deps has built.

get_filename_component(PAGER_MUSL_PREFIX
	"${CMAKE_CURRENT_LIST_DIR}/../../build/deps/musl" ABSOLUTE)
if(NOT EXISTS "${PAGER_MUSL_PREFIX}/bin/musl-gcc-pie")
	message(FATAL_ERROR "The libraries for musl are not there: "
		"run tools/musl-deps first")
endif()

set(CMAKE_C_COMPILER "${PAGER_MUSL_PREFIX}/bin/musl-gcc-pie")
# Last on the path: kernel headers and libbsd, after musl's own.
set(CMAKE_C_FLAGS_INIT "-idirafter \"${PAGER_MUSL_PREFIX}/include\"")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static-pie")
