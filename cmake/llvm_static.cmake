# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# LLVM and LLD inside our own files. Only the X86 back end (and AArch64 for cross compiling) is linked, but LLD's driver calls
# the initialisers of every target that LLVM was configured with: the others get empty definitions, listed from LLVM's own
# .def files. Polly's plugin hook is answered by "no plugin".
set(targets x86codegen x86asmparser x86desc x86info aarch64codegen aarch64asmparser aarch64desc aarch64info)
llvm_config(libs --link-static --libs ${targets} passes orcjit lto option debuginfodwarf)
separate_arguments(libs UNIX_COMMAND "${libs}")
list(FILTER libs EXCLUDE REGEX "Polly")
if(EXISTS ${llvm_libdir}/libLLVMDTLTO.a)
  list(APPEND libs -lLLVMDTLTO)
endif()
llvm_config(system_libs --link-static --system-libs)
separate_arguments(system_libs UNIX_COMMAND "${system_libs}")
foreach(name z zstd) # from their archives where there are any, as the libraries of needs.cmake
  find_library(FRIT_${name}_ARCHIVE NAMES lib${name}.a)
  mark_as_advanced(FRIT_${name}_ARCHIVE)
  if(FRIT_${name}_ARCHIVE)
    list(TRANSFORM system_libs REPLACE "^-l${name}$" ${FRIT_${name}_ARCHIVE})
  endif()
endforeach()

set(linked X86 AArch64)
set(stubs "/* Empty initialisers of the LLVM targets that frit does not link. */\n")
macro(stub_missing def macro_name suffix)
  file(STRINGS ${LLVM_INCLUDE}/llvm/Config/${def} rows REGEX "^${macro_name}\\(")
  foreach(row IN LISTS rows)
    string(REGEX REPLACE "^${macro_name}\\(([A-Za-z0-9_]+)\\).*" "\\1" target "${row}")
    if(NOT target IN_LIST linked)
      foreach(part ${suffix})
        string(APPEND stubs "void LLVMInitialize${target}${part}(void);\nvoid LLVMInitialize${target}${part}(void) {}\n")
      endforeach()
    endif()
  endforeach()
endmacro()
stub_missing(Targets.def LLVM_TARGET "TargetInfo;Target;TargetMC")
stub_missing(AsmPrinters.def LLVM_ASM_PRINTER AsmPrinter)
stub_missing(AsmParsers.def LLVM_ASM_PARSER AsmParser)
stub_missing(Disassemblers.def LLVM_DISASSEMBLER Disassembler)
if(NOT linked STREQUAL "")
  foreach(target IN LISTS linked) # their disassemblers are not linked either
    string(APPEND stubs "void LLVMInitialize${target}Disassembler(void);\nvoid LLVMInitialize${target}Disassembler(void) {}\n")
  endforeach()
endif()
set(stubs_c ${PROJECT_BINARY_DIR}/generated/llvm_stubs.c)
file(CONFIGURE OUTPUT ${stubs_c} CONTENT "${stubs}" @ONLY)
set(stubs_cpp ${PROJECT_BINARY_DIR}/generated/llvm_stub_polly.cpp)
file(CONFIGURE OUTPUT ${stubs_cpp} @ONLY CONTENT
"#if __has_include(<llvm/Plugins/PassPlugin.h>)
#include <llvm/Plugins/PassPlugin.h>
#else /* before LLVM 22 */
#include <llvm/Passes/PassPlugin.h>
#endif
llvm::PassPluginLibraryInfo getPollyPluginInfo();
llvm::PassPluginLibraryInfo getPollyPluginInfo() { return {LLVM_PLUGIN_API_VERSION, \"\", \"\", nullptr}; }
")
add_library(llvm_stubs STATIC ${stubs_c} ${stubs_cpp})
target_include_directories(llvm_stubs SYSTEM PRIVATE ${LLVM_INCLUDE})
target_compile_options(llvm_stubs PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti -fno-exceptions>)

target_link_libraries(LLVM_AND_LLD INTERFACE
  -Wl,--start-group -llldELF -llldCommon llvm_stubs ${libs} -Wl,--end-group ${system_libs})
target_link_options(LLVM_AND_LLD INTERFACE -static-libstdc++ -static-libgcc)
