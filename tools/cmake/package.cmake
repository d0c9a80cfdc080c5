# SPDX-License-Identifier: BSD-2-Clause
#
# What an installation holds beside the programs: libpager with its headers,
# its pkg-config file and its CMake package (target pager::pager), and the
# man pages, which stand in the folder they document.
include(CMakePackageConfigHelpers)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/pager
	DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
	FILES_MATCHING PATTERN "*.h")

file(GLOB pages CONFIGURE_DEPENDS
	${PROJECT_SOURCE_DIR}/proto/*.[1-8]
	${PROJECT_SOURCE_DIR}/server/*.[1-8]
	${PROJECT_SOURCE_DIR}/lib/client/*.[1-8]
	${PROJECT_SOURCE_DIR}/tools/*/*.[1-8])
foreach(page IN LISTS pages)
	string(REGEX REPLACE ".*\\." "" section ${page})
	install(FILES ${page}
		DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
