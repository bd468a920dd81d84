# Writes a function of more than a mebibyte: no short form of a branch reaches from its first block to its last.
BEGIN {
    blocks = 1400
    steps = 60
    split("iadd bxor isub", operation)
    print "function %far(i64, i64) -> i64 {"
    print "block0(v0: i64, v1: i64):"
    print "    v2 = icmp_imm eq v0, 0"
    printf "    brif v2, block%d(v1), block1(v1)\n", blocks + 1
    value = 3
    for (block = 1; block <= blocks; block++) {
        last = value++
        printf "block%d(v%d: i64):\n", block, last
        for (step = 0; step < steps; step++) {
            # Four pieces of 16 bits on aarch64.
            number = (block * 7919 + step * 104729) % 30000 + 1
            printf "    v%d = iconst.i64 0x%04x%04x%04x%04x\n", value, number, number + 1, number + 2, number + 3
            printf "    v%d = %s v%d, v%d\n", value + 1, operation[step % 3 + 1], last, value
            last = value + 1
            value += 2
        }
        printf "    v%d = icmp_imm eq v0, %d\n", value, block
        printf "    brif v%d, block%d(v%d), block%d(v%d)\n", value, blocks + 1, last, block + 1, last
        value++
    }
    printf "block%d(v%d: i64):\n    return v%d\n}\n", blocks + 1, value, value
}
