# Writes a function of more than a megabyte of code on every target: branches of every kind across all of it, and
# a constant and a jump table behind it.
BEGIN {
    groups = 64000
    print "function %large(i64, i32, f64) -> i64, f64 system_v {"
    print "block0(v0: i64, v1: i32, v2: f64):"
    print "    v3 = f64const 0x1.23456789abcdep5"
    print "    v4 = fadd v2, v3"
    print "    brif v0, block1, block10"
    print "block1:"
    print "    v5 = iconst.i64 1"
    print "    v6 = ishl v5, v5"
    print "    v7 = iconst.i64 4"
    print "    v8 = band v0, v7"
    print "    brif v8, block2, block11"
    print "block2:"
    print "    v9 = iconst.i32 100"
    print "    v10 = icmp ult v1, v9"
    print "    brif v10, block3, block12"
    print "block3:"
    print "    v11 = fcmp lt v4, v3"
    print "    brif v11, block13, block4"
    print "block4:"
    print "    br_table v1, block5, [block5, block14, block6]"
    print "block5:"
    print "    v12 = iconst.i32 2"
    print "    jump block7(v0, v12)"
    print "block6:"
    print "    v13 = iconst.i32 3"
    print "    jump block7(v0, v13)"
    print "block7(v20: i64, v21: i32):"
    print "    v24 = iconst.i32 13"
    value = 20
    for (i = 1; i <= groups; i++) {
        printf "    v%d = iconst.i64 0x%04x%04x%04x%04x\n", 100 + 3 * i, i * 7919 % 65536, i * 104729 % 65536,
            i * 31 % 65536, (i * 17 + 5) % 65536
        printf "    v%d = bxor v%d, v%d\n", 101 + 3 * i, value, 100 + 3 * i
        printf "    v%d = rotl v%d, v24\n", 102 + 3 * i, 101 + 3 * i
        value = 102 + 3 * i
        if (i % 8 == 0) {
            printf "    v%d = ushr v%d, v21\n", 1000000 + 2 * i, value
            printf "    v%d = bxor v%d, v%d\n", 1000001 + 2 * i, value, 1000000 + 2 * i
            value = 1000001 + 2 * i
        }
    }
    print "    v22 = iconst.i32 1"
    print "    v23 = isub v21, v22"
    printf "    brif v23, block7(v%d, v23), block8\n", value
    print "block8:"
    printf "    return v%d, v4\n", value
    for (block = 10; block <= 14; block++) {
        printf "block%d:\n    v%d = iconst.i64 %d\n    return v%d, v3\n", block, block + 20, block, block + 20
    }
    print "}"
}
