# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# find_package(frit) defines frit::frit, the shared library with the headers frit.h and frit_artifact.h.
include(${CMAKE_CURRENT_LIST_DIR}/fritTargets.cmake)
