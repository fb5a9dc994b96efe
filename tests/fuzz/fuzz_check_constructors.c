/* Symbols, dynamic section and constructors of a damaged shared object: nothing is read outside of its bytes.
 */
#include "base/arena.h"
#include "check/constructors.h"
#include "plugin/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str bytes = str_of(data, size), names[8];
    arena *a = arena_new((size_t)64 << 20);
    image m;
    uint64_t value = 0, read = 0;
    if (a != NULL && elf_check(bytes, NULL) && image_open(bytes, a, &m, NULL) && image_relocate(&m, NULL)) {
        for (size_t i = 0; i < m.symbol_count; i++)
            read += strlen(image_name(&m, m.symbols[i].st_name));
        for (unsigned i = 0; i < m.header.e_phnum; i++)
            read += image_segment(&m, i).p_type;
        read += image_dynamic(&m, DT_FLAGS, &value) ? value : 0;
        size_t n = constructors_find(&m, a, names, 8);
        for (size_t i = 0; i < n && i < 8; i++)
            read += names[i].len;
    }
    arena_free(a);
    return read == UINT64_MAX ? -1 : 0;
}
