# Makes a program of a file of run tests: adds a function %main that makes the calls that `; run:` comments
# ask for, with arguments of integer and float types of up to 64 bits, and makes all functions local.
# Calls that trap are left out. Prints the number of calls to the file COUNT.

BEGIN { next_value = functions = calls = 0 }

function trim(text) {
    gsub(/^[ \t]+|[ \t]+$/, "", text)
    return text
}

# Adds a call of the last function with these arguments; `given` is their text.
function add(given,    count, types, values, n, args, results, list, type) {
    count = split(params, types, ",")
    if (trim(params) == "") count = 0
    if (split(given, values, ",") != count && !(count == 0 && trim(given) == "")) return
    for (n = 1; n <= count; n++) {
        type = trim(types[n])
        if (type !~ /^(i8|i16|i32|i64|f32|f64)$/) return
    }
    args = ""
    for (n = 1; n <= count; n++) {
        type = trim(types[n])
        body = body "    v" next_value " = " (type ~ /^i/ ? "iconst." : "") \
            (type ~ /^f/ ? type "const" : type) " " trim(values[n]) "\n"
        args = args (n > 1 ? ", " : "") "v" next_value++
    }
    list = ""
    results = split(returned, types, ",")
    for (n = 1; n <= results; n++) list = list (n > 1 ? ", " : "") "v" next_value++
    if (!(signature in declared)) {
        declared[signature] = functions
        declarations = declarations "    fn" functions++ " = colocated " signature "\n"
    }
    body = body "    " list (results ? " = " : "") "call fn" declared[signature] "(" args ")\n"
    calls++
}

# Of the settings, those of the first line count, except for what the command line sets.
/^set / {
    gsub(/ (opt_level|regalloc_[a-z]*|is_pic)=[a-z_]*/, "")
    if (!set++ && NF > 1) print
    next
}
/^((local|hidden|export|weak) )*function / {
    header = $0
    sub(/^.*function /, "", header)
    signature = header
    sub(/[ \t]*\{.*$/, "", signature)
    sub(/ (section|align) .*$/, "", signature)
    params = signature
    sub(/^[^(]*\(/, "", params)
    sub(/\).*$/, "", params)
    returned = ""
    if (signature ~ /->/) {
        returned = signature
        sub(/^.*->[ \t]*/, "", returned)
        # The calling convention follows without a comma.
        n = split(returned, words, " ")
        while (n > 1 && words[n - 1] !~ /,$/ && words[n] !~ /,$/) n--
        returned = words[1]
        for (i = 2; i <= n; i++) returned = returned words[i]
    }
    print "local function " header
    next
}
/^; run: *%/ && / == / {
    given = $0
    sub(/^[^(]*\(/, "", given)
    sub(/\)[ \t]*==.*$/, "", given)
    print
    add(given)
    next
}
{ print }
END {
    print "function %main() -> i32 system_v {\n" declarations "block0:"
    printf "%s", body
    print "    v" next_value " = iconst.i32 0\n    return v" next_value "\n}"
    print calls + 0 >COUNT
}
