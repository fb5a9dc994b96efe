/* pattern.c - a text that a regular expression accepts: of ECMA 262, what schemas use. What it does not know
 * comes out wrong, and the schema then refuses it. */
#include "check/generate.h"

#define TEXT_MAX 4096u

typedef struct pattern {
    generator *g;
    buf out;
    unsigned depth;
} pattern;

static void put_alternatives(pattern *p, bb_str s);

/* The bytes of the atom that stands first: a group, a class, an escape, or a character. */
static size_t atom_length(bb_str s) {
    size_t depth = 0;
    bool in_class = false;
    if (s.ptr[0] == '\\')
        return s.len >= 2 ? 2 : 1;
    if (s.ptr[0] != '(' && s.ptr[0] != '[')
        return 1;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\\') {
            i++;
        } else if (in_class) {
            in_class = c != ']';
            if (!in_class && depth == 0)
                return i + 1;
        } else if (c == '[') {
            in_class = true;
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && --depth == 0) {
            return i + 1;
        }
    }
    return s.len;
}

static char escaped(char c) {
    switch (c) {
    case 'd': return '7';
    case 'w': return 'w';
    case 's': return ' ';
    case 'D':
    case 'S': return 'x';
    case 'W': return '-';
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    default: return c;
    }
}

/* One of a class's characters; of a negated one, the first ordinary one that is not in it. */
static char class_member(pattern *p, bb_str s) {
    bool in[128] = {false}, negated = s.len > 0 && s.ptr[0] == '^';
    char choices[128];
    size_t n = 0;
    for (size_t i = negated ? 1 : 0; i < s.len; i++) {
        bool is_escape = s.ptr[i] == '\\' && i + 1 < s.len;
        char from = is_escape ? escaped(s.ptr[++i]) : s.ptr[i], to = from;
        if (!is_escape && i + 2 < s.len && s.ptr[i + 1] == '-')
            to = s.ptr[i += 2];
        for (int c = (unsigned char)from; c <= (unsigned char)to && c < 128; c++)
            in[c] = true;
    }
    for (int c = '0'; c < 127; c++)
        if (in[c] != negated)
            choices[n++] = (char)c;
    for (int c = ' '; n == 0 && c < '0'; c++)
        if (in[c] != negated)
            choices[n++] = (char)c;
    return n > 0 ? choices[generate_below(p->g, n)] : 'x';
}

static void put_atom(pattern *p, bb_str atom) {
    char c = atom.ptr[0];
    if (c == '(' && atom.len >= 2) {
        bb_str inner = str_of(atom.ptr + 1, atom.len - 2);
        if (str_starts(inner, STR("?:")))
            inner = str_of(inner.ptr + 2, inner.len - 2);
        else if (str_starts(inner, STR("?")))
            return; /* looks ahead or behind: takes no text */
        put_alternatives(p, inner);
    } else if (c == '[' && atom.len >= 2) {
        buf_char(&p->out, class_member(p, str_of(atom.ptr + 1, atom.len - 2)));
    } else if (c == '\\' && atom.len == 2) {
        if (atom.ptr[1] != 'b' && atom.ptr[1] != 'B')
            buf_char(&p->out, escaped(atom.ptr[1]));
    } else if (c == '.') {
        buf_char(&p->out, 'x');
    } else if (c != '^' && c != '$') {
        buf_char(&p->out, c);
    }
}

/* Reads "*", "+", "?", "{m}", "{m,}", "{m,n}" off *s; gives how often the atom before it shall stand. */
static uint64_t quantity(pattern *p, bb_str *s) {
    uint64_t least = 1, most = 1;
    char c = s->len > 0 ? s->ptr[0] : '\0';
    size_t used = c == '*' || c == '+' || c == '?' ? 1 : 0;
    const char *close = c == '{' ? memchr(s->ptr, '}', s->len) : NULL;
    if (c == '*' || c == '?')
        least = 0;
    if (c == '*' || c == '+')
        most = 3;
    if (close != NULL) {
        bb_str rest = str_of(s->ptr + 1, (size_t)(close - s->ptr) - 1), from = {NULL, 0}, to = {NULL, 0};
        bool open = memchr(rest.ptr, ',', rest.len) != NULL;
        str_split(&rest, ',', &from);
        str_split(&rest, ',', &to);
        str_to_u64(from, &least);
        most = open ? least + 3 : least;
        if (to.len > 0)
            str_to_u64(to, &most);
        used = (size_t)(close - s->ptr) + 1;
    }
    *s = str_of(s->ptr + used, s->len - used);
    if (used > 0 && s->len > 0 && s->ptr[0] == '?')
        *s = str_of(s->ptr + 1, s->len - 1);
    return most > least ? least + generate_below(p->g, most - least + 1) : least;
}

static void put_sequence(pattern *p, bb_str s) {
    while (s.len > 0 && p->out.len < TEXT_MAX) {
        bb_str atom = str_of(s.ptr, atom_length(s));
        s = str_of(s.ptr + atom.len, s.len - atom.len);
        for (uint64_t n = quantity(p, &s); n > 0 && p->out.len < TEXT_MAX; n--)
            put_atom(p, atom);
    }
}

static void put_alternatives(pattern *p, bb_str s) {
    bb_str parts[32];
    size_t n = 0, begin = 0, i = 0;
    while (i < s.len) {
        if (s.ptr[i] == '|' && n < 31) {
            parts[n++] = str_of(s.ptr + begin, i - begin);
            begin = ++i;
            continue;
        }
        i += atom_length(str_of(s.ptr + i, s.len - i));
    }
    parts[n++] = str_of(s.ptr + begin, s.len - begin);
    if (p->depth++ < 16)
        put_sequence(p, parts[generate_below(p->g, n)]);
    p->depth--;
}

bb_str generate_pattern(generator *g, bb_str text) {
    pattern p = {.g = g};
    buf_init(&p.out);
    put_alternatives(&p, text);
    bool open = text.len == 0 || text.ptr[text.len - 1] != '$';
    if (open)
        buf_lit(&p.out, "example");
    bb_str copy = arena_copy(g->memory, buf_str(&p.out));
    buf_free(&p.out);
    return copy;
}
