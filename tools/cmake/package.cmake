# SPDX-License-Identifier: BSD-2-Clause
#
# What an installation holds beside the programs: libpager with its headers,
# its pkg-config file and its CMake package (target pager::pager), and the
# man pages, which stand in the folder they document.
include(CMakePackageConfigHelpers)

# Headers. Some of include/pager only lead to a file of the contract in proto;
# an installation has that file itself in their place, and where it includes
# another file of the contract, the public name of that.
file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/pager/*)
set(public_dir ${CMAKE_INSTALL_INCLUDEDIR}/pager)
foreach(header IN LISTS headers)
	get_filename_component(name ${header} NAME)
	file(STRINGS ${header} line REGEX "^#include \"proto/")
	if(NOT line)
		install(FILES ${header} DESTINATION ${public_dir})
		continue()
	endif()
	string(REGEX REPLACE ".*\"(proto/[^\"]*)\".*" "\\1" origin "${line}")
	file(READ ${PROJECT_SOURCE_DIR}/${origin} text)
	string(REGEX REPLACE "#include \"proto/pager_([^\"]*)\""
		"#include <pager/\\1>" text "${text}")
	file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/public/${name}
		CONTENT "${text}" @ONLY)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
		${header} ${PROJECT_SOURCE_DIR}/${origin})
	install(FILES ${PROJECT_BINARY_DIR}/public/${name}
		DESTINATION ${public_dir})
endforeach()

get_target_property(pager_type pager TYPE)
if(pager_type STREQUAL STATIC_LIBRARY)
	set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pager)
	target_include_directories(pager INTERFACE
		$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
	install(TARGETS pager EXPORT pager-targets
		ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
	install(EXPORT pager-targets NAMESPACE pager::
		FILE pager-config.cmake DESTINATION ${package_dir})
	write_basic_package_version_file(
		${PROJECT_BINARY_DIR}/pager-config-version.cmake
		COMPATIBILITY SameMajorVersion)
	install(FILES ${PROJECT_BINARY_DIR}/pager-config-version.cmake
		DESTINATION ${package_dir})

	# The prefix is told from where the file lies: an installation may move.
	file(RELATIVE_PATH up ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
		${CMAKE_INSTALL_PREFIX})
	configure_file(${PROJECT_SOURCE_DIR}/tools/cmake/pager.pc.in
		${PROJECT_BINARY_DIR}/pager.pc @ONLY)
	install(FILES ${PROJECT_BINARY_DIR}/pager.pc
		DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

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
