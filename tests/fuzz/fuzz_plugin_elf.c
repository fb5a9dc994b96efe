/* elf_check on anything: it reads nothing beyond the bytes, and a refusal has a reason. */
#include "plugin/elf.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    err e = {""};
    if (elf_check(str_of(data, size), &e) == (e.text[0] != '\0'))
        abort();
    return 0;
}
