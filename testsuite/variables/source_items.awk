# Makes `source` lines that describe each value of a program as a variable, of what llvm-dwarfdump prints of the
# program's object with debug information of the CLIF itself.

BEGIN {
    for (bits = 8; bits <= 128; bits *= 2) {
        printf "source type t%d = int \"i%d\" %d\n", bits, bits, bits / 8
        if (bits > 8) printf "source type t%d = float \"f%d\" %d\n", bits + 1, bits, bits / 8
    }
}

function quoted() {
    match($0, /".*"/)
    return substr($0, RSTART + 1, RLENGTH - 2)
}

/DW_TAG_/ { tag = $2 }
/DW_AT_name/ && tag == "DW_TAG_subprogram" { function_name = quoted() }
/DW_AT_name/ && tag == "DW_TAG_variable" { name = quoted() }
/DW_AT_type/ && tag == "DW_TAG_variable" && name ~ /^v/ {
    type = quoted()
    if (type ~ /^[if][0-9]+$/) {
        number = substr(type, 2) + (type ~ /^f/)
        printf "source variable %%%s \"%s\" t%d = %s\n", function_name, name, number, name
    }
}
