/* Passes every check. */
#include "abandons.h"
