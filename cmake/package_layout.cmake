# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Read by cpack for each generator: the .deb installs into /usr, the archive unpacks into one folder that runs anywhere.
if(CPACK_GENERATOR STREQUAL "TXZ")
  set(CPACK_PACKAGING_INSTALL_PREFIX "/")
  set(CPACK_INCLUDE_TOPLEVEL_DIRECTORY ON)
endif()
