# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Defines the target frit_needs: the small libraries that frit stands on. A build with LLVM inside (FRIT_LLVM=static) takes
# their archives where those are installed, so that what it makes runs on a system that has none of them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
add_library(frit_needs INTERFACE)
find_library(FRIT_JANSSON_ARCHIVE NAMES libjansson.a HINTS ${JANSSON_LIBRARY_DIRS})
mark_as_advanced(FRIT_JANSSON_ARCHIVE)
if(FRIT_LLVM STREQUAL "static" AND FRIT_JANSSON_ARCHIVE)
  target_link_libraries(frit_needs INTERFACE ${FRIT_JANSSON_ARCHIVE})
  target_include_directories(frit_needs SYSTEM INTERFACE ${JANSSON_INCLUDE_DIRS})
else()
  target_link_libraries(frit_needs INTERFACE PkgConfig::JANSSON)
endif()
