/* Fills in what it declares when it is loaded. */
#define EXPORT                                            \
    static bb_plugin made;                                \
    __attribute__((constructor)) static void make(void) { \
        made = plugin;                                    \
    }                                                     \
    BUSBAR_PLUGIN(made)
#include "sound.h"
