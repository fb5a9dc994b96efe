/* The declarations of a damaged or lying shared object: nothing is read outside of its bytes, what is copied
 * has bounds, and a refusal has a reason. */
#include "plugin/module.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char no_hash[65];
    err e = {""};
    bool unknown = false;
    plugin_module *m = module_load_declared("fuzzed.so", str_of(data, size), no_hash, "fuzzed.so",
                                            (bb_str){NULL, 0}, &unknown, &e);
    if ((m == NULL) == (e.text[0] == '\0'))
        abort();
    module_unref(m);
    return 0;
}
