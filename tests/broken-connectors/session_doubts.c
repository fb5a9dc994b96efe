/* Takes every session for a bad one. */
#define IN_CHECK                 \
    if (session->handle != NULL) \
        return BB_E_UPSTREAM;
#include "session.h"
