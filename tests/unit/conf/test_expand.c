/* References: what is put in, and errors that name the place but never a value. */
#include "fixture.h"

static char folder[PATH_MAX];
static arena *memory;
static conf_file file;

static void begin(void) {
    folder_make(folder);
    memory = arena_new(0);
    char path[PATH_MAX];
    file.path = arena_strdup(memory, str_from(path_in(path, "%s/a.conf", folder)));
}

static void end(void) {
    arena_free(memory);
    folder_remove(folder);
}

static void put(const char *name, bb_str text) {
    char path[PATH_MAX];
    file_put(path_in(path, "%s/%s", folder, name), text, 0600);
}

static bb_str expanded(const char *value, bool wanted_reference) {
    conf_entry entry = {STR("token"), str_from(value), 7};
    bb_str out;
    bool had;
    err e = {""};
    if (!conf_expand(memory, &file, &entry, &out, &had, &e))
        ck_abort_msg("%s: %s", value, e.text);
    ck_assert_int_eq(had, wanted_reference);
    return out;
}

static void refused(const char *value, const char *part) {
    conf_entry entry = {STR("token"), str_from(value), 7};
    bb_str out;
    err e = {""};
    if (conf_expand(memory, &file, &entry, &out, NULL, &e))
        ck_abort_msg("%s is taken", value);
    expect_in(e.text, "/a.conf:7: ");
    expect_in(e.text, part);
    ck_assert_ptr_null(strstr(e.text, "hunter2"));
}

START_TEST(literals) {
    begin();
    expect(expanded("", false), "");
    expect(expanded("a$b", false), "a$b");
    expect(expanded("$", false), "$");
    expect(expanded("$$", false), "$$");
    expect(expanded("{x}", false), "{x}");
    expect(expanded("$${env:X}", false), "${env:X}");
    expect(expanded("a$${b", false), "a${b");
    end();
}
END_TEST

START_TEST(environment) {
    begin();
    setenv("CONF_T_1", "one", 1);
    setenv("_conf2", "", 1);
    setenv("CONF_T_3", "${env:CONF_T_1}", 1);
    unsetenv("CONF_T_4");
    expect(expanded("${env:CONF_T_1}", true), "one");
    expect(expanded("<${env:CONF_T_1}${env:CONF_T_1}>$${", true), "<oneone>${");
    expect(expanded("${env:_conf2}", true), "");
    expect(expanded("${env:CONF_T_3}", true), "${env:CONF_T_1}"); /* not a second time */
    refused("hunter2${env:CONF_T_4}", "\"CONF_T_4\" is not set");
    refused("${env:}", "is no name of a variable");
    refused("${env:1X}", "is no name of a variable");
    refused("${env:A-B}", "is no name of a variable");
    refused("${env}", "is no name of a variable");
    end();
}
END_TEST

START_TEST(files) {
    begin();
    put("secret", STR("s3cret\n"));
    put("crlf", STR("s3cret\r\n"));
    put("two", STR("one\ntwo\n\n"));
    put("none", STR(""));
    put("break", STR("\n"));
    put("return", STR("x\r"));
    expect(expanded("${file:secret}", true), "s3cret");
    expect(expanded("Bearer ${file:crlf}!", true), "Bearer s3cret!");
    expect(expanded("${file:two}", true), "one\ntwo\n");
    expect(expanded("${file:none}", true), "");
    expect(expanded("a${file:none}${file:break}b", true), "ab");
    expect(expanded("${file:return}", true), "x\r");
    char absolute[PATH_MAX + 16];
    snprintf(absolute, sizeof absolute, "${file:%s/secret}", folder);
    expect(expanded(absolute, true), "s3cret");
    end();
}
END_TEST

START_TEST(files_that_are_refused) {
    char path[PATH_MAX];
    char *bytes = calloc(1, 65537);
    begin();
    memset(bytes, 'x', 65537);
    put("full", str_of(bytes, 65536));
    put("large", str_of(bytes, 65537));
    free(bytes);
    put("nul", STR("hunter2\0x"));
    ck_assert_int_eq(mkfifo(path_in(path, "%s/fifo", folder), 0600), 0);
    ck_assert_uint_eq(expanded("${file:full}", true).len, 65536);
    refused("${file:large}", "\"large\" is over 64 KiB");
    refused("${file:nul}", "\"nul\" has a NUL byte");
    refused("${file:fifo}", "\"fifo\" is not a file");
    refused("${file:.}", "\".\" is not a file");
    refused("${file:missing}", "\"missing\" does not exist");
    refused("${file:}", "is no path");
    end();
}
END_TEST

START_TEST(credentials) {
    char name[PATH_MAX];
    begin();
    unsetenv("CREDENTIALS_DIRECTORY");
    refused("${credential:key}", "LoadCredential=");
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    put("key", STR("c\n"));
    put("a.conf", STR("hunter2"));
    expect(expanded("${credential:key}", true), "c");
    refused("${credential:other}", "\"other\" does not exist");
    refused("${credential:}", "no name of a credential");
    refused("${credential:..}", "no name of a credential");
    snprintf(name, sizeof name, "${credential:../%s/key}", strrchr(folder, '/') + 1);
    refused(name, "no name of a credential");
    unsetenv("CREDENTIALS_DIRECTORY");
    end();
}
END_TEST

START_TEST(what_is_no_reference) {
    begin();
    refused("${secret:stripe}", "the secret store is not open");
    refused("pass${hunter2}word", "a reference is ${env:NAME}");
    refused("pass${hunter2:x}word", "written \"$${\"");
    refused("${en:X}", "did you mean \"env\"");
    refused("${ENV:X}", "a reference is");
    refused("${env:X", "no closing \"}\"");
    refused("hunter2${", "no closing \"}\"");
    refused("${}", "a reference is");
    end();
}
END_TEST

UNIT_MAIN(unit_test(literals), unit_test(environment), unit_test(files), unit_test(files_that_are_refused),
          unit_test(credentials), unit_test(what_is_no_reference))
