/* Exports a helper too. */
__attribute__((visibility("default"))) int helper(void);
__attribute__((visibility("default"))) int helper(void) {
    return 1;
}
#include "sound.h"
