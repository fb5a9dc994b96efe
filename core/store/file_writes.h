/* file_writes.h - writes of SQLite that follow one another in its log, made one. */
#ifndef STORE_FILE_WRITES_H
#define STORE_FILE_WRITES_H

/* The name of the VFS (https://sqlite.org/vfs.html) to open a database by, registered by the first call of
 * any thread; NULL, which is SQLite's own, where it cannot be registered. */
const char *file_writes_vfs(void);

#endif
