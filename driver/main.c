/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The command `frit`: all of it is in libfrit, so that LLVM is linked, loaded and shipped once. */
#include "driver/cmds.h"

int main(int argc, char **argv) { return frit_command(argc, argv); }
