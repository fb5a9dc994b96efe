/* Small files: read and written whole, or not at all. */
#include "base/file.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *begin(void) {
    static char path[128];
    strcpy(folder, "/tmp/busbar-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    return path;
}

static void end(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void expect(const char *path, const char *text, mode_t mode) {
    struct stat st;
    buf out;
    err e = {""};
    buf_init(&out);
    ck_assert_msg(file_read(path, 1000, &out, NULL, &e), "%s", e.text);
    ck_assert(str_eq(buf_str(&out), str_from(text)));
    buf_free(&out);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, mode);
}

START_TEST(what_is_put_takes_the_place_of_what_was) {
    const char *path = begin();
    ck_assert(file_put(path, STR("the first, and longer"), 0644));
    ck_assert(file_put(path, STR("second"), 0600));
    expect(path, "second", 0600);
    ck_assert(file_replace(path, STR("third"), 0640, NULL));
    expect(path, "third", 0640);
    end();
}
END_TEST

/* A link in its place is not written through. */
START_TEST(a_link_is_not_followed) {
    const char *path = begin();
    char other[128];
    snprintf(other, sizeof other, "%s/other", folder);
    ck_assert(file_put(other, STR("of others"), 0600));
    ck_assert_int_eq(symlink(other, path), 0);
    ck_assert(file_put(path, STR("mine"), 0600));
    expect(other, "of others", 0600);
    expect(path, "mine", 0600);
    end();
}
END_TEST

START_TEST(what_cannot_be_written_is_told_by_errno_too) {
    char path[128], longer[5000];
    err e = {""};
    begin();
    snprintf(path, sizeof path, "%s/none/file", folder);
    errno = 0;
    ck_assert(!file_put(path, STR("x"), 0600) && errno == ENOENT);
    errno = 0;
    ck_assert(!file_replace(path, STR("x"), 0600, &e) && errno == ENOENT);
    ck_assert_ptr_nonnull(strstr(e.text, "none/file: cannot be written: "));
    errno = 0;
    ck_assert(!file_sync_folder(path) && errno == ENOENT);
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    errno = 0;
    ck_assert(!file_replace(longer, STR("x"), 0600, &e) && errno == ENAMETOOLONG);
    longer[4900] = '/';
    errno = 0;
    ck_assert(!file_sync_folder(longer) && errno == ENAMETOOLONG);
    end();
}
END_TEST

START_TEST(folders_are_synced_by_any_name) {
    const char *path = begin();
    ck_assert(file_sync_folder(path));
    ck_assert(file_sync_folder("/file"));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert(file_sync_folder("file"));
    ck_assert_int_eq(chdir("/"), 0);
    end();
}
END_TEST

START_TEST(just_so_many_bytes_are_read) {
    const char *path = begin();
    char bytes[8];
    ck_assert(file_put(path, STR("123456"), 0600));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert(file_read_exactly(fd, bytes, 4) && memcmp(bytes, "1234", 4) == 0);
    ck_assert(!file_read_exactly(fd, bytes, 3));
    ck_assert(file_read_exactly(fd, bytes, 0));
    close(fd);
    ck_assert(!file_read_exactly(fd, bytes, 1));
    end();
}
END_TEST

UNIT_MAIN(unit_test(what_is_put_takes_the_place_of_what_was), unit_test(a_link_is_not_followed),
          unit_test(what_cannot_be_written_is_told_by_errno_too), unit_test(folders_are_synced_by_any_name),
          unit_test(just_so_many_bytes_are_read))
