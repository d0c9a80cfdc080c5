# SPDX-License-Identifier: BSD-2-Clause
#
# Language, warnings, sanitizers and output folders, for every target alike.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

# Assertions guard the "impossible" class of errors: they stay in every build.
foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
	string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${type}
		"${CMAKE_C_FLAGS_${type}}")
endforeach()

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wshadow -Wstrict-prototypes
	-Wmissing-prototypes -Wvla)
if(PAGER_WERROR)
	add_compile_options(-Werror)
endif()

if(PAGER_RECOUNT)
	add_compile_definitions(PAGER_RECOUNT=1)
endif()
if(PAGER_FAILPOINTS)
	add_compile_definitions(PAGER_FAILPOINTS=1)
endif()

if(PAGER_SANITIZE)
	add_compile_options(-fsanitize=${PAGER_SANITIZE}
		-fno-sanitize-recover=all -fno-omit-frame-pointer)
	add_link_options(-fsanitize=${PAGER_SANITIZE})
endif()
if(PAGER_FUZZ)
	if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
		message(FATAL_ERROR "PAGER_FUZZ needs clang, not "
			"${CMAKE_C_COMPILER_ID}: use the preset fuzz")
	endif()
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()

include_directories(${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
