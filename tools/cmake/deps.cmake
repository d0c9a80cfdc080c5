# SPDX-License-Identifier: BSD-2-Clause
#
# What pagerd needs from outside, under one name each whatever the C library:
#
#     pager_bsd    libbsd, through its explicit <bsd/...> headers
#     pager_check  the unit test library check (only if tests are built)
#
# With glibc both come from the distribution, through pkg-config. With musl
# the toolchain file sets PAGER_MUSL_PREFIX, where tools/musl-deps put them.

add_library(pager_bsd INTERFACE)
add_library(pager_check INTERFACE)

if(PAGER_MUSL_PREFIX)
	# libmd holds the digests libbsd's md5(3) and friends wrap.
	target_link_libraries(pager_bsd INTERFACE
		${PAGER_MUSL_PREFIX}/lib/libbsd.a
		${PAGER_MUSL_PREFIX}/lib/libmd.a)
	if(BUILD_TESTING)
		find_package(check CONFIG REQUIRED NO_DEFAULT_PATH
			PATHS ${PAGER_MUSL_PREFIX})
		target_link_libraries(pager_check INTERFACE Check::check)
	endif()
else()
	find_package(PkgConfig REQUIRED)
	pkg_check_modules(BSD REQUIRED IMPORTED_TARGET libbsd)
	target_link_libraries(pager_bsd INTERFACE PkgConfig::BSD)
	if(BUILD_TESTING)
		pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)
		target_link_libraries(pager_check INTERFACE PkgConfig::CHECK)
	endif()
endif()
