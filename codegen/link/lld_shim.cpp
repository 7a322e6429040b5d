/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// LLD as a library. This and the plugin stub of the static build are all the C++ there is: LLD has no C interface.
#include "codegen/link/lld_shim.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include <lld/Common/Driver.h>
#include <llvm/Support/raw_ostream.h>

LLD_HAS_DRIVER(elf)

namespace {
// LLD keeps its state in globals of its own, so links of one process take turns. After a crash inside LLD
// (canRunAgain == false) those globals cannot be trusted any more.
std::mutex turn;
bool broken = false;
} // namespace

lld_outcome lld_shim_run(const char *const *args, size_t n_args, char *messages, size_t messages_bytes) {
    std::vector<const char *> argv{"ld.lld"};
    argv.insert(argv.end(), args, args + n_args);
    std::lock_guard<std::mutex> lock(turn);
    if (messages_bytes) messages[0] = 0;
    if (broken) return LLD_BROKEN;

    std::string text;
    llvm::raw_string_ostream stream(text);
    const lld::DriverDef drivers[] = {{lld::Gnu, &lld::elf::link}};
    lld::Result result = lld::lldMain(argv, stream, stream, drivers);
    stream.flush();

    if (messages_bytes) {
        size_t n = std::min(text.size(), messages_bytes - 1);
        std::copy_n(text.data(), n, messages);
        messages[n] = 0;
    }
    broken = !result.canRunAgain;
    return broken ? LLD_BROKEN : result.retCode == 0 ? LLD_DONE : LLD_FAILED;
}
