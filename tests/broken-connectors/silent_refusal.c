/* Refuses a tag without saying why. */
#define IN_CREATE                                                               \
    if (connection->host->json->get(connection->settings, bb_s("tag")) != NULL) \
        return BB_E_CONFIG;
#include "sound.h"
