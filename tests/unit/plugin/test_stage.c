/* Staging: what is no connector's file is refused with the remedy; what is one is copied by its content. */
#include "plugin/stage.h"

#include "plugin/elf.h"
#include "unit.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_MAX], so[PATH_MAX], state[PATH_MAX];
static char *object; /* a real shared object: the C library's mathematics */
static size_t object_size;

static void put(const char *path, bb_str bytes, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert(write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void load_object(void) {
    void *handle = dlopen("libm.so.6", RTLD_NOW);
    ck_assert_ptr_nonnull(handle);
    Dl_info info;
    ck_assert_int_ne(dladdr(dlsym(handle, "cos"), &info), 0);
    FILE *f = fopen(info.dli_fname, "r");
    ck_assert_ptr_nonnull(f);
    struct stat st;
    ck_assert_int_eq(fstat(fileno(f), &st), 0);
    object_size = (size_t)st.st_size;
    object = malloc(object_size);
    ck_assert_uint_eq(fread(object, 1, object_size, f), object_size);
    fclose(f);
}

static void begin(void) {
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/busbar-stage-XXXXXX", base != NULL ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(so, sizeof so, "%.4000s/x.so", folder);
    snprintf(state, sizeof state, "%.4000s/var", folder);
    ck_assert_int_eq(mkdir(state, 0700), 0);
    load_object();
    put(so, str_of(object, object_size), 0755);
}

static void end(void) {
    char command[PATH_MAX + 16];
    snprintf(command, sizeof command, "rm -rf '%.4000s'", folder);
    ck_assert_int_eq(system(command), 0);
    free(object);
}

static staged stage_ok(void) {
    staged out;
    err e = {""};
    if (!stage_file(so, STR("x"), state, &plugin_policy_default, &out, &e))
        ck_abort_msg("%s", e.text);
    return out;
}

static void refused(const char *path, const char *part) {
    staged out;
    err e = {""};
    ck_assert_msg(!stage_file(path, STR("x"), state, &plugin_policy_default, &out, &e), "taken; expected: %s",
                  part);
    ck_assert_msg(strstr(e.text, part) != NULL, "\"%s\" does not say \"%s\"", e.text, part);
}

static unsigned copies(void) {
    char gen[PATH_MAX];
    unsigned n = 0;
    snprintf(gen, sizeof gen, "%.4000s/gen", state);
    DIR *d = opendir(gen);
    for (struct dirent *entry; d != NULL && (entry = readdir(d)) != NULL;)
        n += entry->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    return n;
}

static bool same_content(const char *path) {
    char *bytes = malloc(object_size + 1);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(bytes, 1, object_size + 1, f);
    fclose(f);
    bool same = n == object_size && memcmp(bytes, object, n) == 0;
    free(bytes);
    return same;
}

START_TEST(a_copy_by_content) {
    struct stat st;
    begin();
    staged s = stage_ok();
    ck_assert_uint_eq(strlen(s.sha256), 64);
    ck_assert_uint_eq(s.size, object_size);
    ck_assert_ptr_nonnull(strstr(s.path, s.sha256));
    ck_assert(str_ends(str_from(s.path), STR(".so")));
    ck_assert(same_content(s.path));
    ck_assert_int_eq(stat(s.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0444);
    ck_assert_uint_eq(copies(), 1);
    void *handle = dlopen(s.path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(handle != NULL, "%s", dlerror());
    end();
}
END_TEST

START_TEST(the_same_content_is_copied_once) {
    struct stat first, again;
    begin();
    staged a = stage_ok();
    ck_assert_int_eq(stat(a.path, &first), 0);
    staged b = stage_ok();
    ck_assert_str_eq(a.path, b.path);
    ck_assert_int_eq(stat(b.path, &again), 0);
    ck_assert_uint_eq(first.st_ino, again.st_ino);
    put(so, str_of(object, object_size), 0755);
    object[object_size - 1] ^= 1; /* another content */
    put(so, str_of(object, object_size), 0755);
    staged c = stage_ok();
    ck_assert_str_ne(a.path, c.path);
    ck_assert_uint_eq(copies(), 2);
    end();
}
END_TEST

START_TEST(a_spoiled_copy_is_replaced) {
    begin();
    staged s = stage_ok();
    ck_assert_int_eq(unlink(s.path), 0);
    put(s.path, STR("short"), 0444);
    stage_ok();
    ck_assert(same_content(s.path));
    char *other = calloc(1, object_size);
    ck_assert_int_eq(unlink(s.path), 0);
    put(s.path, str_of(other, object_size), 0444);
    free(other);
    stage_ok();
    ck_assert(same_content(s.path));
    ck_assert_int_eq(unlink(s.path), 0);
    ck_assert_int_eq(symlink(so, s.path), 0); /* a link to the admin's file is no copy */
    stage_ok();
    struct stat st;
    ck_assert_int_eq(lstat(s.path, &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    ck_assert_uint_eq(copies(), 1);
    end();
}
END_TEST

START_TEST(modes) {
    static const mode_t open_modes[] = {0777, 0775, 0722, 0666, 0664, 0602, 0420};
    static const mode_t good_modes[] = {0755, 0644, 0600, 0555, 0444};
    begin();
    for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
        ck_assert_int_eq(chmod(so, open_modes[i]), 0);
        refused(so, "chmod go-w");
    }
    for (size_t i = 0; i < sizeof good_modes / sizeof good_modes[0]; i++) {
        ck_assert_int_eq(chmod(so, good_modes[i]), 0);
        stage_ok();
    }
    ck_assert_int_eq(chmod(folder, 0777), 0);
    refused(so, "chmod o-w");
    ck_assert_int_eq(chmod(folder, 01777), 0);
    stage_ok();
    end();
}
END_TEST

START_TEST(owners) {
    begin();
    if (geteuid() != 0) {
        printf("SKIP plugin_stage owners: only root can give a file away\n");
    } else {
        ck_assert_int_eq(chown(so, 12345, (gid_t)-1), 0);
        refused(so, "chown it");
        ck_assert_int_eq(chown(so, 0, (gid_t)-1), 0);
        stage_ok();
    }
    end();
}
END_TEST

START_TEST(what_is_no_file) {
    char other[PATH_MAX];
    begin();
    refused(folder, "not a regular file");
    snprintf(other, sizeof other, "%.4000s/fifo", folder);
    ck_assert_int_eq(mkfifo(other, 0600), 0);
    refused(other, "not a regular file");
    refused("/dev/null", "not a regular file");
    snprintf(other, sizeof other, "%.4000s/missing", folder);
    refused(other, "No such file");
    snprintf(other, sizeof other, "%.4000s/dangling", folder);
    ck_assert_int_eq(symlink("missing", other), 0);
    refused(other, "No such file");
    snprintf(other, sizeof other, "%.4000s/text", folder);
    put(other, STR("#!/bin/sh\nexit 0\n"), 0755);
    refused(other, "not a shared object");
    put(other, STR(""), 0755);
    refused(other, "it is empty");
    ck_assert_int_eq(truncate(other, ((off_t)256 << 20) + 1), 0);
    refused(other, "over 256 MiB");
    ck_assert_uint_eq(copies(), 0);
    end();
}
END_TEST

START_TEST(links_lead_to_what_is_checked) {
    char link[PATH_MAX];
    staged out;
    err e = {""};
    begin();
    snprintf(link, sizeof link, "%.4000s/link.so", folder);
    ck_assert_int_eq(symlink("x.so", link), 0);
    ck_assert_msg(stage_file(link, STR("x"), state, &plugin_policy_default, &out, &e), "%s", e.text);
    ck_assert_int_eq(chmod(so, 0777), 0);
    refused(link, "chmod go-w");
    end();
}
END_TEST

START_TEST(a_state_folder_that_cannot_take_it) {
    begin();
    ck_assert_int_eq(rmdir(state), 0);
    refused(so, "cannot be made");
    put(state, STR("a file"), 0600);
    refused(so, "cannot be");
    end();
}
END_TEST

START_TEST(cleaning_keeps_what_is_named) {
    begin();
    staged a = stage_ok();
    object[object_size - 1] ^= 1;
    put(so, str_of(object, object_size), 0755);
    staged b = stage_ok();
    const char *keep[] = {b.sha256};
    stage_clean(state, keep, 1);
    ck_assert_int_ne(access(a.path, F_OK), 0);
    ck_assert_int_eq(access(b.path, F_OK), 0);
    stage_clean(state, NULL, 0);
    ck_assert_uint_eq(copies(), 0);
    stage_clean("/nonexistent-state", NULL, 0);
    end();
}
END_TEST

/* --- the bytes -------------------------------------------------------------------------------------- */

static void elf_refused(bb_str bytes, const char *part) {
    err e = {""};
    ck_assert_msg(!elf_check(bytes, &e), "taken; expected: %s", part);
    ck_assert_msg(strstr(e.text, part) != NULL, "\"%s\" does not say \"%s\"", e.text, part);
}

/* In a block of just that size, so that a read beyond it is seen by the address sanitizer. */
static bool cut_is_refused(size_t length) {
    err e = {""};
    char *cut = malloc(length > 0 ? length : 1);
    memcpy(cut, object, length);
    bool ok = elf_check(str_of(cut, length), &e);
    free(cut);
    return !ok && e.text[0] != '\0';
}

START_TEST(cut_short_anywhere) {
    err e = {""};
    load_object();
    ck_assert_msg(elf_check(str_of(object, object_size), &e), "%s", e.text);
    for (size_t length = 0; length < 1024; length++)
        ck_assert_msg(cut_is_refused(length), "%zu bytes", length);
    for (size_t length = 1024; length < object_size; length += object_size / 97)
        ck_assert_msg(cut_is_refused(length), "%zu bytes", length);
    ck_assert(cut_is_refused(object_size - 1));
    elf_refused(str_of(object, 3), "not a shared object");
    elf_refused(str_of(object, 63), "truncated");
    elf_refused(str_of(object, object_size - 1), "copy it again");
    free(object);
}
END_TEST

START_TEST(headers_of_something_else) {
    load_object();
    Elf64_Ehdr *h = (Elf64_Ehdr *)object, good = *h;
    bb_str bytes = str_of(object, object_size);
    h->e_ident[EI_CLASS] = ELFCLASS32;
    elf_refused(bytes, "another machine");
    *h = good;
    h->e_ident[EI_DATA] = ELFDATA2MSB;
    elf_refused(bytes, "another machine");
    *h = good;
    h->e_machine = EM_RISCV;
    elf_refused(bytes, "another machine");
    *h = good;
    h->e_type = ET_REL;
    elf_refused(bytes, "-shared");
    *h = good;
    h->e_phnum = 0;
    elf_refused(bytes, "program headers");
    *h = good;
    h->e_phoff = UINT64_MAX - 8;
    elf_refused(bytes, "program headers");
    *h = good;
    h->e_shoff = object_size - 8;
    elf_refused(bytes, "section headers");
    *h = good;
    h->e_shentsize = 1;
    elf_refused(bytes, "section headers");
    free(object);
}
END_TEST

START_TEST(segments_past_the_end) {
    load_object();
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)object;
    bb_str bytes = str_of(object, object_size);
    for (unsigned i = 0; i < h->e_phnum; i++) {
        Elf64_Phdr *p = (Elf64_Phdr *)(object + h->e_phoff) + i, good = *p;
        if (p->p_type != PT_LOAD && p->p_type != PT_DYNAMIC)
            continue;
        p->p_filesz = object_size;
        p->p_offset = 1;
        p->p_memsz = object_size;
        elf_refused(bytes, "a segment reaches past its end");
        p->p_offset = UINT64_MAX;
        elf_refused(bytes, "a segment reaches past its end");
        *p = good;
        if (p->p_type == PT_LOAD && p->p_filesz > 0) {
            p->p_memsz = p->p_filesz - 1;
            elf_refused(bytes, "an impossible size");
        } else if (p->p_type == PT_DYNAMIC) {
            p->p_type = PT_NULL;
            elf_refused(bytes, "no dynamic section");
        }
        *p = good;
    }
    free(object);
}
END_TEST

/* Any bit of the headers: refused with a reason, or taken; never a read beyond the bytes. */
START_TEST(flipped_bits_in_the_headers) {
    load_object();
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)object;
    size_t bits = 8 * (sizeof *h + h->e_phnum * sizeof(Elf64_Phdr)), refusals = 0;
    for (size_t i = 0; i < bits; i++) {
        err e = {""};
        object[i / 8] ^= (char)(1 << i % 8);
        bool ok = elf_check(str_of(object, object_size), &e);
        ck_assert_int_eq(ok, e.text[0] == '\0');
        refusals += !ok;
        object[i / 8] ^= (char)(1 << i % 8);
    }
    ck_assert_uint_gt(refusals, 8 * 16); /* e_ident's magic, machine, type, the tables' places at least */
    free(object);
}
END_TEST

UNIT_MAIN(unit_test(a_copy_by_content), unit_test(the_same_content_is_copied_once),
          unit_test(a_spoiled_copy_is_replaced), unit_test(modes), unit_test(owners),
          unit_test(what_is_no_file), unit_test(links_lead_to_what_is_checked),
          unit_test(a_state_folder_that_cannot_take_it), unit_test(cleaning_keeps_what_is_named),
          unit_test(cut_short_anywhere), unit_test(headers_of_something_else),
          unit_test(segments_past_the_end), unit_test(flipped_bits_in_the_headers))
