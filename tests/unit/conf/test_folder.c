/* conf_read_dir: which files are read, and what is refused without touching the others. */
#include "fixture.h"

#include <sys/socket.h>
#include <sys/un.h>

static char folder[PATH_MAX];
static char path[PATH_MAX];
static conf_set *set;

static void put(const char *name, const char *text) {
    file_put(path_in(path, "%s/%s", folder, name), str_from(text), 0644);
}

static void read_folder(void) {
    err e = {""};
    set = conf_read_dir(folder, &e);
    if (set == NULL)
        ck_abort_msg("%s", e.text);
}

static const conf_file *file_of(const char *name) {
    for (size_t i = 0; i < set->count; i++)
        if (str_ends(str_from(set->files[i].path), str_from(name)))
            return &set->files[i];
    ck_abort_msg("%s is not in the set", name);
    return NULL;
}

static void expect_refused(const char *name, const char *part) {
    const conf_file *f = file_of(name);
    expect_in(f->error.text, f->path);
    expect_in(f->error.text, part);
}

static void done(void) {
    conf_set_free(set);
    folder_remove(folder);
}

#define GOOD "[connection]\nplugin = rest\n"

START_TEST(reads_conf_files_and_passes_over_the_rest) {
    folder_make(folder);
    put("b.conf", GOOD);
    put("a.conf", GOOD);
    put(".hidden.conf", "nonsense");
    put("x.conf~", "nonsense");
    put("x.conf.bak", "nonsense");
    put(".x.conf.swp", "nonsense");
    put("x.hook.conf", "nonsense");
    put("README", "nonsense");
    ck_assert_int_eq(mkdir(path_in(path, "%s/team", folder), 0755), 0);
    ck_assert_int_eq(mkdir(path_in(path, "%s/.git", folder), 0755), 0);
    put("team/c.conf", GOOD);
    put(".git/d.conf", GOOD);
    read_folder();
    ck_assert_uint_eq(set->count, 3);
    expect(set->files[0].id, "a");
    expect(set->files[1].id, "b");
    expect(set->files[2].id, "c");
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(set->files[i].error.text, "");
    done();
}
END_TEST

START_TEST(names_that_are_no_ids) {
    char longest[80];
    folder_make(folder);
    memset(longest, 'a', 64);
    strcpy(longest + 64, ".conf");
    put(longest, GOOD);
    memset(longest, 'b', 65);
    strcpy(longest + 65, ".conf");
    put(longest, GOOD);
    put("Upper.conf", GOOD);
    put("-a.conf", GOOD);
    put("_a.conf", GOOD);
    put("a b.conf", GOOD);
    put("a.b.conf", GOOD);
    put("0a-_.conf", GOOD);
    read_folder();
    unsigned good = 0;
    for (size_t i = 0; i < set->count; i++) {
        good += set->files[i].error.text[0] == '\0';
        if (set->files[i].error.text[0] != '\0')
            expect_in(set->files[i].error.text, "rename it");
    }
    ck_assert_uint_eq(good, 2);
    ck_assert_str_eq(file_of("0a-_.conf")->error.text, "");
    done();
}
END_TEST

START_TEST(the_later_of_two_files_for_one_id) {
    folder_make(folder);
    ck_assert_int_eq(mkdir(path_in(path, "%s/x", folder), 0755), 0);
    put("a.conf", GOOD);
    put("x/a.conf", GOOD);
    read_folder();
    ck_assert_str_eq(set->files[0].error.text, "");
    expect_in(set->files[1].error.text, "x/a.conf: ");
    expect_in(set->files[1].error.text, path_in(path, "%s/a.conf already", folder));
    done();
}
END_TEST

START_TEST(what_is_no_file) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    folder_make(folder);
    put("good.conf", GOOD);
    ck_assert_int_eq(mkfifo(path_in(path, "%s/fifo.conf", folder), 0644), 0);
    ck_assert_int_eq(symlink("/dev/zero", path_in(path, "%s/device.conf", folder)), 0);
    ck_assert_int_eq(symlink("nowhere", path_in(path, "%s/dangling.conf", folder)), 0);
    ck_assert_int_eq(symlink("good.conf", path_in(path, "%s/link.conf", folder)), 0);
    ck_assert_int_eq(symlink("circle.conf", path_in(path, "%s/circle.conf", folder)), 0);
    ck_assert_int_eq(mkdir(path_in(path, "%s/dir.conf", folder), 0755), 0);
    path_in(path, "%s/socket.conf", folder);
    ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    read_folder();
    close(fd);
    ck_assert_uint_eq(set->count, 8);
    expect_refused("fifo.conf", "not a regular file");
    expect_refused("device.conf", "not a regular file");
    expect_refused("socket.conf", "not a regular file");
    expect_refused("dangling.conf", "does not exist");
    expect_refused("circle.conf", "cannot be read");
    expect_refused("dir.conf", "is a folder");
    ck_assert_str_eq(file_of("good.conf")->error.text, "");
    ck_assert_str_eq(file_of("link.conf")->error.text, "");
    done();
}
END_TEST

START_TEST(modes_sizes_and_contents) {
    folder_make(folder);
    put("open.conf", GOOD);
    ck_assert_int_eq(chmod(path, 0666), 0);
    put("group.conf", GOOD);
    ck_assert_int_eq(chmod(path, 0664), 0);
    put("empty.conf", "");
    put("bad.conf", "[a]\nnonsense\n");
    put("large.conf", GOOD);
    ck_assert_int_eq(truncate(path, (1 << 20) + 1), 0);
    buf full;
    buf_init(&full);
    buf_lit(&full, GOOD);
    while (full.len < 1 << 20)
        buf_char(&full, full.len % 64 == 0 ? '\n' : ';');
    file_put(path_in(path, "%s/full.conf", folder), buf_str(&full), 0600);
    buf_free(&full);
    read_folder();
    expect_refused("open.conf", "chmod o-w");
    expect_refused("bad.conf", "bad.conf:2: ");
    expect_refused("large.conf", "over 1 MiB");
    ck_assert_str_eq(file_of("group.conf")->error.text, "");
    ck_assert_str_eq(file_of("empty.conf")->error.text, "");
    ck_assert_str_eq(file_of("full.conf")->error.text, "");
    done();
}
END_TEST

/* As Kubernetes mounts a ConfigMap: links to files within a hidden folder that is itself a link. */
START_TEST(a_mounted_config_map) {
    folder_make(folder);
    ck_assert_int_eq(mkdir(path_in(path, "%s/..2026_01", folder), 0755), 0);
    put("..2026_01/a.conf", GOOD);
    ck_assert_int_eq(symlink("..2026_01", path_in(path, "%s/..data", folder)), 0);
    ck_assert_int_eq(symlink("..data/a.conf", path_in(path, "%s/a.conf", folder)), 0);
    read_folder();
    ck_assert_uint_eq(set->count, 1);
    ck_assert_str_eq(set->files[0].error.text, "");
    done();
}
END_TEST

START_TEST(links_in_circles_and_depth) {
    folder_make(folder);
    put("a.conf", GOOD);
    ck_assert_int_eq(symlink(".", path_in(path, "%s/loop", folder)), 0);
    char deep[PATH_MAX];
    path_in(deep, "%s", folder);
    for (int i = 0; i < 10; i++) {
        strcat(deep, "/d");
        ck_assert_int_eq(mkdir(deep, 0755), 0);
    }
    read_folder();
    ck_assert_uint_eq(set->count, 3);
    ck_assert_str_eq(file_of("/a.conf")->error.text, "");
    expect_refused("/loop", "leads back");
    expect_refused("/d", "eight levels");
    done();
}
END_TEST

START_TEST(a_folder_that_is_none) {
    err e = {""};
    ck_assert_ptr_null(conf_read_dir("/nonexistent-conf.d", &e));
    expect_in(e.text, "/nonexistent-conf.d: ");
    expect_in(e.text, "--conf");
    folder_make(folder);
    put("a.conf", GOOD);
    ck_assert_ptr_null(conf_read_dir(path, &e));
    expect_in(e.text, "Not a directory");
    folder_remove(folder);
}
END_TEST

START_TEST(a_thousand_files) {
    char name[32];
    folder_make(folder);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "c%04d.conf", i);
        put(name,
            i % 100 == 50 ? "[connection]\nplugin\n" : "[connection]\nplugin = rest\n[settings]\nx = 1\n");
    }
    read_folder();
    ck_assert_uint_eq(set->count, 1000);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "c%04d", i);
        expect(set->files[i].id, name);
        ck_assert_int_eq(set->files[i].error.text[0] != '\0', i % 100 == 50);
    }
    done();
}
END_TEST

UNIT_MAIN(unit_test(reads_conf_files_and_passes_over_the_rest), unit_test(names_that_are_no_ids),
          unit_test(the_later_of_two_files_for_one_id), unit_test(what_is_no_file),
          unit_test(modes_sizes_and_contents), unit_test(a_mounted_config_map),
          unit_test(links_in_circles_and_depth), unit_test(a_folder_that_is_none),
          unit_test(a_thousand_files))
