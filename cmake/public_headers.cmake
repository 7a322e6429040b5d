# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The public header that is made from ir/ops.def: build/include/frit_ops.h, which include/frit.h includes and which is
# installed beside it.
set(public_generated ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${public_generated})
add_executable(make_frit_ops cmake/frit_ops.c)
target_include_directories(make_frit_ops PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(make_frit_ops PRIVATE -Wall -Wextra -Wshadow -Wconversion)
add_custom_command(OUTPUT ${public_generated}/frit_ops.h COMMAND make_frit_ops > ${public_generated}/frit_ops.h
                   DEPENDS make_frit_ops VERBATIM)
add_custom_target(public_headers DEPENDS ${public_generated}/frit_ops.h)
