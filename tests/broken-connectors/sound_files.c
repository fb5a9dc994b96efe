/* Passes every check. */
#include "files.h"
