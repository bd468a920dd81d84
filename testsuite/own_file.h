// Finds a section of the program's own file, for programs that read clifc's tables.
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

// Where the program is loaded, once a section has been found.
static uintptr_t base;

static int note_base(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size, (void)data;
    base = info->dlpi_addr;
    return 1; // the first is the program
}

// The header of a section; null if there is none. The file's bytes begin at `*file`.
static const Elf64_Shdr *find_section(const char *path, const char *name, const unsigned char **file) {
    int fd = open(path, O_RDONLY);
    struct stat info;
    fstat(fd, &info);
    *file = mmap(0, info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    dl_iterate_phdr(note_base, 0);
    const Elf64_Ehdr *header = (const void *)*file;
    const Elf64_Shdr *sections = (const void *)(*file + header->e_shoff);
    const char *names = (const char *)*file + sections[header->e_shstrndx].sh_offset;
    for (int i = 0; i < header->e_shnum; i++)
        if (!strcmp(names + sections[i].sh_name, name)) return &sections[i];
    return 0;
}
