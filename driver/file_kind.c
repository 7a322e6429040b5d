/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a file is when it is not what it should be: the mistakes that people make with downloads and arrays, said with
 * what to do about them. */
#include "driver/file_kind.h"

#include <string.h>

static bool begins(const mapped_file *f, const char *text) {
    size_t n = strlen(text);
    return f->bytes >= n && memcmp(f->data, text, n) == 0;
}

/* An HTML page, whatever stands in front of its first tag. */
static bool is_html(const mapped_file *f) {
    size_t at = 0;
    while (at < f->bytes && strchr(" \t\r\n", f->data[at]) && f->data[at]) at++;
    const mapped_file rest = {.data = f->data + at, .bytes = f->bytes - at};
    return begins(&rest, "<!DOCTYPE html") || begins(&rest, "<!doctype html") || begins(&rest, "<html") ||
           begins(&rest, "<HTML");
}

const char *file_mistake(const mapped_file *f) {
    if (f->bytes == 0) return "is empty";
    if (begins(f, "version https://git-lfs"))
        return "is a Git LFS pointer, not the file that it stands for; run git lfs pull";
    if (is_html(f)) return "is an HTML page, as a failed download leaves; fetch the file itself";
    return NULL;
}

const char *file_mistake_of_tensor(const mapped_file *f) {
    const char *mistake = file_mistake(f);
    if (mistake) return mistake;
    if (str_ends(f->path, ".npz") || begins(f, "PK\3\4"))
        return "is an archive (.npz); save each array by itself with numpy.save";
    if (str_ends(f->path, ".csv") || str_ends(f->path, ".txt") || str_ends(f->path, ".json"))
        return "is text; load it with NumPy and save the array with numpy.save";
    return NULL;
}
