/* csv.h - CSV as Bulk API 2.0 takes and gives it (RFC 4180, lines ended by LF or CRLF). */
#ifndef SALESFORCE_CSV_H
#define SALESFORCE_CSV_H

#include <busbar/busbar.h>

/* Writes records (objects with scalars) as CSV: a column for every name that one of them has, null as #N/A,
 * which unsets a field, and what a record lacks as nothing, which leaves it. 0: the call has failed. */
int csv_write(bb_call *call, const bb_json *records, bb_str *out);

/* Writes the rows of the answer, which is CSV, into an array that `w` is within, each as an object of texts;
 * at most `most` of them. Gives how many rows there are; -1: it is no CSV, or there is no memory, and the
 * call has failed. */
int64_t csv_read(bb_call *call, bb_json_writer *w, int64_t most);

#endif
