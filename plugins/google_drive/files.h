/* files.h - members that several operations on files take, in the words of schemas.h. */
#ifndef GOOGLE_DRIVE_FILES_H
#define GOOGLE_DRIVE_FILES_H

#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define FILE_MEMBERS \
    STRING("name", "need not be the only one of that name in its folder") "," \
    PATTERN("mimeType", "^[^ /]+/[^ /]+$", "application/vnd.google-apps.folder, .shortcut, .document, .spreadsheet, ...; a type of the editors converts what is uploaded") "," \
    STRING("description", "short text") "," \
    BOOLEAN("starred", "by the user") "," \
    KEYS("properties", "your own keys, for all applications; null removes one") "," \
    KEYS("appProperties", "your own keys, for this application") "," \
    MOMENT("modifiedTime", "RFC 3339") "," \
    STRING("originalFilename", "as it was called where it came from") "," \
    PATTERN("folderColorRgb", "^#[0-9a-fA-F]{6}$", "of a folder, from folderColorPalette of about.get") "," \
    BOOLEAN("writersCanShare", "writers may change permissions; not in shared drives") "," \
    BOOLEAN("copyRequiresWriterPermission", "readers can neither copy, print nor download") "," \
    BOOLEAN("inheritedPermissionsDisabled", "of a folder of a shared drive: its own permissions alone count") "," \
    OBJECTS("contentRestrictions", "each: readOnly, reason, ownerRestricted") "," \
    OBJECT("downloadRestrictions", "itemDownloadRestriction: restrictedForReaders, restrictedForWriters") "," \
    OBJECT("contentHints", "indexableText, thumbnail") "," \
    OBJECT("linkShareMetadata", "securityUpdateEnabled")

#define FILE_OPTIONS \
    FIELDS "," \
    BOOLEAN("keepRevisionForever", "the new head revision; at most 200 of a file") "," \
    PATTERN("ocrLanguage", "^[a-zA-Z]{2,3}$", "of an image that is converted: ISO 639-1") "," \
    BOOLEAN("ignoreDefaultVisibility", "not visible to the domain by its default") "," \
    BOOLEAN("useContentAsIndexableText", "search finds it by its content") "," \
    LABELS "," VIEW "," ALL_DRIVES

#define ONCE BOOLEAN("once", "one file, however often the request has to be repeated: its id is got first, or is the one given")

/* clang-format on */

#endif
