#include "plugin/elf.h"

#include <elf.h>

#if defined(__x86_64__)
#define THIS_MACHINE EM_X86_64
#define THIS_NAME "x86-64"
#elif defined(__aarch64__)
#define THIS_MACHINE EM_AARCH64
#define THIS_NAME "aarch64"
#else
#error "which ELF machine is this?"
#endif

static bool within(bb_str bytes, uint64_t offset, uint64_t size) {
    return offset <= bytes.len && size <= bytes.len - offset;
}

static bool check_header(bb_str bytes, const Elf64_Ehdr *h, err *e) {
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
        h->e_machine != THIS_MACHINE)
        return err_set(e, "it was built for another machine than this hub (" THIS_NAME "): build it here");
    if (h->e_type != ET_DYN)
        return err_set(e, "it is not a shared object: link it with -shared");
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 ||
        !within(bytes, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr)))
        return err_set(e, "it is truncated or damaged: its program headers are missing");
    /* The section table stands last in what a linker writes: a file cut short anywhere lacks it. */
    if (h->e_shnum != 0 && (h->e_shentsize != sizeof(Elf64_Shdr) ||
                            !within(bytes, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr))))
        return err_set(e, "it is truncated or damaged: its section headers are missing; copy it again");
    return true;
}

static bool check_segment(bb_str bytes, const Elf64_Phdr *p, err *e) {
    bool in_file = p->p_type == PT_LOAD || p->p_type == PT_DYNAMIC;
    if (in_file && !within(bytes, p->p_offset, p->p_filesz))
        return err_set(e, "it is truncated: a segment reaches past its end; copy it again");
    if (p->p_type == PT_LOAD &&
        (p->p_memsz < p->p_filesz || p->p_memsz > (uint64_t)1 << 32 || p->p_vaddr > (uint64_t)1 << 40))
        return err_set(e, "it is damaged: a segment has an impossible size");
    return true;
}

bool elf_check(bb_str bytes, err *e) {
    Elf64_Ehdr h;
    if (bytes.len < sizeof h || memcmp(bytes.ptr, ELFMAG, SELFMAG) != 0)
        return err_set(e, bytes.len >= SELFMAG && memcmp(bytes.ptr, ELFMAG, SELFMAG) == 0
                              ? "it is truncated: not even its ELF header is whole; copy it again"
                              : "it is not a shared object (no ELF header)");
    memcpy(&h, bytes.ptr, sizeof h);
    if (!check_header(bytes, &h, e))
        return false;
    bool dynamic = false;
    for (unsigned i = 0; i < h.e_phnum; i++) {
        Elf64_Phdr p;
        memcpy(&p, bytes.ptr + h.e_phoff + i * sizeof p, sizeof p);
        if (!check_segment(bytes, &p, e))
            return false;
        dynamic = dynamic || p.p_type == PT_DYNAMIC;
    }
    return dynamic || err_set(e, "it is not a shared object: it has no dynamic section");
}
