/* The file is not named after the id. */
#undef ID
#define ID "other"
#include "sound.h"
