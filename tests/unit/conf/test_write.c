/* conf_write_file: as a whole, or not at all. */
#include "fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

static char folder[PATH_MAX], path[PATH_MAX];

static void begin(void) {
    folder_make(folder);
    path_in(path, "%s/a.conf", folder);
}

static void expect_content(const char *wanted) {
    char bytes[64];
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    expect(str_of(bytes, (size_t)n), wanted);
}

static mode_t mode_of(const char *file) {
    struct stat st;
    ck_assert_int_eq(stat(file, &st), 0);
    return st.st_mode & 07777;
}

/* No temporary file is left. */
static void expect_files(unsigned wanted) {
    unsigned n = 0;
    DIR *d = opendir(folder);
    ck_assert_ptr_nonnull(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(d);
    ck_assert_uint_eq(n, wanted);
}

static void refused(const char *file, bb_str text, const char *part) {
    err e = {""};
    ck_assert(!conf_write_file(file, text, &e));
    expect_in(e.text, file);
    expect_in(e.text, part);
}

START_TEST(a_new_file_is_private) {
    err e = {""};
    begin();
    mode_t old = umask(0);
    ck_assert_msg(conf_write_file(path, STR("[a]\nx = 1\n"), &e), "%s", e.text);
    umask(old);
    expect_content("[a]\nx = 1\n");
    ck_assert_uint_eq(mode_of(path), 0600);
    expect_files(1);
    folder_remove(folder);
}
END_TEST

START_TEST(an_old_file_keeps_its_mode) {
    err e = {""};
    begin();
    file_put(path, STR("old, and longer than the new one"), 0640);
    ck_assert_msg(conf_write_file(path, STR("new"), &e), "%s", e.text);
    expect_content("new");
    ck_assert_uint_eq(mode_of(path), 0640);
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_msg(conf_write_file(path, STR(""), &e), "%s", e.text);
    expect_content("");
    ck_assert_uint_eq(mode_of(path), 0664); /* the hub would not read what everybody can write */
    expect_files(1);
    folder_remove(folder);
}
END_TEST

START_TEST(a_relative_path) {
    err e = {""};
    begin();
    int home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_msg(conf_write_file("a.conf", STR("x"), &e), "%s", e.text);
    ck_assert_int_eq(fchdir(home), 0);
    close(home);
    expect_content("x");
    folder_remove(folder);
}
END_TEST

START_TEST(a_link_is_written_through) {
    char target[PATH_MAX];
    struct stat st;
    err e = {""};
    begin();
    ck_assert_int_eq(mkdir(path_in(target, "%s/real", folder), 0755), 0);
    path_in(target, "%s/real/x", folder);
    file_put(target, STR("old"), 0600);
    ck_assert_int_eq(symlink("real/x", path), 0);
    ck_assert_msg(conf_write_file(path, STR("new"), &e), "%s", e.text);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert(S_ISLNK(st.st_mode));
    expect_content("new");
    ck_assert_int_eq(unlink(target), 0);
    refused(path, STR("new"), "link to nowhere");
    folder_remove(folder);
}
END_TEST

START_TEST(places_that_cannot_be_written) {
    char other[PATH_MAX];
    begin();
    ck_assert_int_eq(mkdir(path, 0755), 0);
    refused(path, STR("x"), "not a regular file");
    refused(path_in(other, "%s/missing/a.conf", folder), STR("x"), "make its folder first");
    file_put(path_in(other, "%s/file", folder), STR("x"), 0600);
    strcat(other, "/a.conf");
    refused(other, STR("x"), "make its folder first");
    refused("/proc/busbar.conf", STR("x"), "cannot be written");
    ck_assert_int_eq(mkfifo(path_in(other, "%s/fifo", folder), 0600), 0);
    refused(other, STR("x"), "not a regular file");
    expect_files(3);
    folder_remove(folder);
}
END_TEST

/* Root may write everywhere, and is somebody else for this moment. */
START_TEST(a_folder_without_rights) {
    err e = {""};
    begin();
    file_put(path, STR("old"), 0644);
    ck_assert_int_eq(chmod(folder, 0555), 0);
    bool root = geteuid() == 0;
    if (root)
        ck_assert_int_eq(seteuid(65534), 0);
    bool written = conf_write_file(path, STR("new"), &e);
    if (root)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert(!written);
    expect_in(e.text, "right to write");
    expect_content("old");
    ck_assert_int_eq(chmod(folder, 0755), 0);
    folder_remove(folder);
}
END_TEST

/* A write that stops half-way, as on a full disk: here at the limit of a file's size. */
START_TEST(a_write_that_stops_half_way) {
    static char bytes[65536];
    struct rlimit before, small;
    begin();
    file_put(path, STR("old"), 0600);
    memset(bytes, 'x', sizeof bytes);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4096;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    err e = {""};
    bool written = conf_write_file(path, str_of(bytes, sizeof bytes), &e);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    ck_assert(!written);
    expect_in(e.text, "nothing was changed");
    expect_content("old");
    expect_files(1);
    folder_remove(folder);
}
END_TEST

UNIT_MAIN(unit_test(a_new_file_is_private), unit_test(an_old_file_keeps_its_mode), unit_test(a_relative_path),
          unit_test(a_link_is_written_through), unit_test(places_that_cannot_be_written),
          unit_test(a_folder_without_rights), unit_test(a_write_that_stops_half_way))
