/* Names an operation that it does not have. */
#define NAMED "jobs.walk"
#include "abandons.h"
