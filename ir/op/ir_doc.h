/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* docs/IR.md as text, from the tables of this folder. */
#ifndef FRIT_IR_IR_DOC_H
#define FRIT_IR_IR_DOC_H

#include "base/str.h"

void ir_doc_print(strbuf *b);

#endif
