/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a file is when it is not what it should be. */
#ifndef FRIT_DRIVER_FILE_KIND_H
#define FRIT_DRIVER_FILE_KIND_H

#include "base/file.h"
#include "base/str.h"

/* What is wrong with the file, whatever was wanted, and what to do; NULL when nothing is seen. */
const char *file_mistake(const mapped_file *f);
/* The same where an array is wanted. */
const char *file_mistake_of_tensor(const mapped_file *f);

#endif
