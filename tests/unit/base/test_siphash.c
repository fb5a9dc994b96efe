/* SipHash-1-3 against the published function: the values are OpenSSL's (its SIPHASH MAC with one round a word
 * and three at the end), for the key 00 01 .. 0f and the texts "", 00, 00 01, ... as the authors' own vectors
 * for 2-4 have them. */
#include <busbar/busbar.h>

#include "base/siphash.h"

#include "unit.h"

static const uint64_t vectors[64] = {
    0xabac0158050fc4dcu, 0xc9f49bf37d57ca93u, 0x82cb9b024dc7d44du, 0x8bf80ab8e7ddf7fbu, 0xcf75576088d38328u,
    0xdef9d52f49533b67u, 0xc50d2b50c59f22a7u, 0xd3927d989bb11140u, 0x369095118d299a8eu, 0x25a48eb36c063de4u,
    0x79de85ee92ff097fu, 0x70c118c1f94dc352u, 0x78a384b157b4d9a2u, 0x306f760c1229ffa7u, 0x605aa111c0f95d34u,
    0xd320d86d2a519956u, 0xcc4fdd1a7d908b66u, 0x9cf2689063dbd80cu, 0x8ffc389cb473e63eu, 0xf21f9de58d297d1cu,
    0xc0dc2f46a6cce040u, 0xb992abfe2b45f844u, 0x7ffe7b9ba320872eu, 0x525a0e7fdae6c123u, 0xf464aeb267349c8cu,
    0x45cd5928705b0979u, 0x3a3e35e3ca9913a5u, 0xa91dc74e4ade3b35u, 0xfb0bed02ef6cd00du, 0x88d93cb44ab1e1f4u,
    0x540f11d643c5e663u, 0x2370dd1f8c21d1bcu, 0x81157b6c16a7b60du, 0x4d54b9e57a8ff9bfu, 0x759f12781f2a753eu,
    0xcea1a3bebf186b91u, 0x2cf508d3ada26206u, 0xb6101c2da3c33057u, 0xb3f47496ae3a36a1u, 0x626b57547b108392u,
    0xc1d2363299e41531u, 0x667cc1923f1ad944u, 0x65704ffec8138825u, 0x24f280d1c28949a6u, 0xc2ca1cedfaf8876bu,
    0xc2164bfc9f042196u, 0xa16e9c9368b1d623u, 0x49fb169c8b5114fdu, 0x9f3143f8df074c46u, 0xc6fdaf2412cc86b3u,
    0x7eaf49d10a52098fu, 0x1cf313559d292f9au, 0xc44a30dda2f41f12u, 0x36fae98943a71ed0u, 0x318fb34c73f0bce6u,
    0xa27abf3670a7e980u, 0xb4bcc0db243c6d75u, 0x23f8d852fdb71513u, 0x8f035f4da67d8a08u, 0xd89cd0e5b7e8f148u,
    0xf6f4e6bcf7a644eeu, 0xaec59ad80f1837f2u, 0xc3b2f6154b6694e0u, 0x9d199062b7bbb3a8u};

static const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

START_TEST(reference_vectors) {
    char text[64];
    for (size_t n = 0; n < 64; n++) {
        text[n] = (char)n;
        ck_assert_msg(siphash(key, str_of(text, n)) == vectors[n], "%zu bytes", n);
    }
}
END_TEST

START_TEST(other_secrets) {
    const uint64_t ones[2] = {UINT64_MAX, UINT64_MAX}, zeros[2] = {0, 0};
    ck_assert_uint_eq(siphash(ones, STR("busbar")), 0x9dd4ed073ec97823u);
    ck_assert_uint_eq(siphash(zeros, STR("")), 0xd1fba762150c532cu);
    ck_assert_uint_eq(siphash(zeros, (bb_str){NULL, 0}), 0xd1fba762150c532cu);
}
END_TEST

/* Words are read wherever they stand: a slice of a text is seldom aligned. */
START_TEST(any_alignment_gives_the_same) {
    char text[64 + 8];
    for (size_t shift = 0; shift < 8; shift++) {
        for (size_t n = 0; n < 64; n++)
            text[shift + n] = (char)n;
        for (size_t n = 0; n < 64; n++)
            ck_assert(siphash(key, str_of(text + shift, n)) == vectors[n]);
    }
}
END_TEST

/* Every bit of the text and of the secret changes about half of the hash. */
START_TEST(every_bit_counts) {
    char text[24] = "customers.list?page=001";
    uint64_t base = siphash(key, str_of(text, sizeof text));
    for (size_t bit = 0; bit < 8 * sizeof text; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        int changed = __builtin_popcountll(base ^ siphash(key, str_of(text, sizeof text)));
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        ck_assert_msg(changed > 10 && changed < 54, "bit %zu: %d", bit, changed);
    }
    for (size_t bit = 0; bit < 128; bit++) {
        uint64_t other[2] = {key[0], key[1]};
        other[bit / 64] ^= (uint64_t)1 << bit % 64;
        int changed = __builtin_popcountll(base ^ siphash(other, str_of(text, sizeof text)));
        ck_assert_msg(changed > 10 && changed < 54, "secret's bit %zu: %d", bit, changed);
    }
}
END_TEST

UNIT_MAIN(unit_test(reference_vectors), unit_test(other_secrets), unit_test(any_alignment_gives_the_same),
          unit_test(every_bit_counts))
