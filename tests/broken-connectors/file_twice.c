/* Asks for bytes again that have been sent, and does not say that it will. */
#define SECOND (half(call) - 7)
#include "files.h"
