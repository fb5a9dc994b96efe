/* Has no function. */
#define ABANDON NULL
#include "abandons.h"
