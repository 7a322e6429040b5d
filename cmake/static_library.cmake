# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# libfrit.a: all of frit as one object whose only global symbols are frit_*, as libfrit.so exports them. LLVM, LLD and the
# libraries of needs.cmake are not in it: `pkg-config --static --libs frit` names them.
set(whole ${PROJECT_BINARY_DIR}/generated/frit_whole.o)
add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/libfrit.a
  COMMAND ${CMAKE_LINKER} -r -o ${whole} ${objects}
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=frit_* ${whole}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${PROJECT_BINARY_DIR}/libfrit.a
  COMMAND ${CMAKE_AR} qcD ${PROJECT_BINARY_DIR}/libfrit.a ${whole}
  DEPENDS ${objects} COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(static_library ALL DEPENDS ${PROJECT_BINARY_DIR}/libfrit.a)
