/* Nothing is wrong with it. */
#include "session.h"
