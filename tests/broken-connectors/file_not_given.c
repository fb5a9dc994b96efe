/* Gives a file, and keeps the answer in memory. */
#define TO_OUTPUT (void)call
#include "files.h"
