/* Says what runs of an operation that it does not have. */
#define RUN_ID "other"
#include "session.h"
