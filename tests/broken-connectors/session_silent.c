/* Opens no session, and does not say why. */
#define IN_OPEN          \
    if (session != NULL) \
        return BB_E_UPSTREAM;
#include "session.h"
