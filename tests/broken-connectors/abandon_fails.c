/* Fails where there is nothing to be dropped. */
#define IN_ABANDON return bb_fail(call, BB_E_UNSUPPORTED, "there is no way back");
#include "abandons.h"
