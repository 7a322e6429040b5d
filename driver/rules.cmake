# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The machine's limits are measured by optimised code in every kind of build.
set_source_files_properties(${PROJECT_SOURCE_DIR}/driver/roofline.c PROPERTIES COMPILE_OPTIONS -O3)
