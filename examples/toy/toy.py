#!/usr/bin/env python3
"""Compiles a toy language to CLIF: toy.py FILE.toy > FILE.clif

    fn square(n) { return n * n; }
    fn main() {
        var squares[10];
        var i = 0;
        while i < 10 { squares[i] = square(i); print(squares[i]); i = i + 1; }
        return 0;
    }

Values are 64-bit integers. Variables are kept in stack slots, so that the compiler need not compute where
blocks take parameters.
"""
import re
import sys

TOKEN = re.compile(r"\s+|#.*|(\d+|\w+|[<>=!]=|[-+*/%<>=(){}\[\],;])")
LEVELS = [
    {"==": "icmp eq", "!=": "icmp ne", "<": "icmp slt", "<=": "icmp sle", ">": "icmp sgt", ">=": "icmp sge"},
    {"+": "iadd", "-": "isub"},
    {"*": "imul", "/": "sdiv", "%": "srem"},
]


def tokens(text):
    at, found = 0, []
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            sys.exit(f"unexpected character {text[at]!r}")
        at = match.end()
        if match.group(1):
            found.append(match.group(1))
    return found + [""]


class Compiler:
    def __init__(self, text):
        self.tokens, self.at, self.functions = tokens(text), 0, []

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, token):
        found = self.tokens[self.at] == token
        self.at += found
        return found

    def expect(self, token):
        if not self.accept(token):
            sys.exit(f"expected {token!r}, found {self.tokens[self.at]!r}")

    def items(self, one):
        """A list in parentheses."""
        found = []
        self.expect("(")
        while not self.accept(")"):
            found.append(one())
            if not self.accept(","):
                self.expect(")")
                break
        return found

    # Output: values, blocks and slots are numbered by counters.

    def emit(self, line):
        if not self.open:  # code after a return is never reached, but needs a block
            self.block(self.new_block())
        self.body.append("    " + line)

    def value(self, line):
        self.values += 1
        self.emit(f"v{self.values - 1} = {line}")
        return f"v{self.values - 1}"

    def end(self, line):
        self.emit(line)
        self.open = False

    def new_block(self):
        self.blocks += 1
        return f"block{self.blocks - 1}"

    def block(self, name):
        if self.open:
            self.end(f"jump {name}")
        self.body.append(f"\n{name}:")
        self.open = True

    def slot(self, name, count):
        self.slots[name] = f"ss{len(self.head)}"
        self.head.append(f"    {self.slots[name]} = explicit_slot {8 * count}, align = 8")

    def address(self, name, index=None):
        if name not in self.slots:
            sys.exit(f"unknown variable {name!r}")
        base = self.value(f"stack_addr.i64 {self.slots[name]}")
        return base if index is None else self.value(f"iadd {base}, {self.value(f'ishl_imm {index}, 3')}")

    def callee(self, name, count):
        """The number of a function in this function's declarations."""
        results = "i32" if name == "printf" else "i64"
        params = ", ".join(["i64"] + ["..."] if name == "printf" else ["i64"] * count)
        line = f"%{name}({params}) -> {results} system_v"
        if line not in self.callees:
            self.callees.append(line)
        return f"fn{self.callees.index(line)}"

    # The language.

    def function(self):
        self.expect("fn")
        name, params = self.next(), self.items(self.next)
        self.head, self.callees, self.body, self.slots = [], [], [], {}
        self.values, self.blocks, self.open = len(params), 1, True
        for number, param in enumerate(params):
            self.slot(param, 1)
            self.emit(f"store notrap aligned v{number}, {self.address(param)}")
        self.statements()
        if self.open:
            self.end(f"return {self.value('iconst.i64 0')}")
        types = ", ".join(["i64"] * len(params))
        entry = ", ".join(f"v{number}: i64" for number in range(len(params)))
        self.functions.append("\n".join(
            [f"function %{name}({types}) -> i64 system_v {{", "    gv0 = symbol colocated %format", *self.head]
            + [f"    fn{number} = {line}" for number, line in enumerate(self.callees)]
            + [f"\nblock0({entry}):" if params else "\nblock0:", *self.body, "}\n"]))

    def statements(self):
        self.expect("{")
        while not self.accept("}"):
            self.statement()

    def statement(self):
        if self.accept("var"):
            name = self.next()
            if self.accept("["):
                self.slot(name, int(self.next()))
                self.expect("]")
            else:
                self.slot(name, 1)
                self.expect("=")
                self.emit(f"store notrap aligned {self.expression()}, {self.address(name)}")
        elif self.accept("return"):
            self.end(f"return {self.expression()}")
        elif self.accept("while"):
            head, inside, after = self.new_block(), self.new_block(), self.new_block()
            self.block(head)
            self.end(f"brif {self.expression()}, {inside}, {after}")
            self.block(inside)
            self.statements()
            if self.open:
                self.end(f"jump {head}")
            return self.block(after)
        elif self.accept("if"):
            then, other, after = self.new_block(), self.new_block(), self.new_block()
            self.end(f"brif {self.expression()}, {then}, {other}")
            self.block(then)
            self.statements()
            if self.open:
                self.end(f"jump {after}")
            self.block(other)
            if self.accept("else"):
                self.statements()
            return self.block(after)
        elif self.tokens[self.at + 1] in ("=", "["):
            name, index = self.next(), None
            if self.accept("["):
                index = self.expression()
                self.expect("]")
            self.expect("=")
            value = self.expression()
            self.emit(f"store notrap aligned {value}, {self.address(name, index)}")
        else:
            self.expression()
        self.expect(";")

    def expression(self, level=0):
        if level == len(LEVELS):
            return self.operand()
        left = self.expression(level + 1)
        while self.tokens[self.at] in LEVELS[level]:
            opcode = LEVELS[level][self.next()]
            left = self.value(f"{opcode} {left}, {self.expression(level + 1)}")
            if opcode.startswith("icmp"):
                left = self.value(f"uextend.i64 {left}")
        return left

    def operand(self):
        if self.accept("("):
            value = self.expression()
            self.expect(")")
            return value
        if self.accept("-"):
            return self.value(f"ineg {self.operand()}")
        name = self.next()
        if name.isdigit():
            return self.value(f"iconst.i64 {name}")
        if self.tokens[self.at] == "(":
            args = self.items(self.expression)
            if name == "print":
                args, name = [self.value("symbol_value.i64 gv0"), *args], "printf"
            return self.value(f"call {self.callee(name, len(args))}({', '.join(args)})")
        if self.accept("["):
            index = self.expression()
            self.expect("]")
            return self.value(f"load.i64 notrap aligned {self.address(name, index)}")
        return self.value(f"load.i64 notrap aligned {self.address(name)}")


def main():
    with open(sys.argv[1]) as file:
        compiler = Compiler(file.read())
    while compiler.tokens[compiler.at]:
        compiler.function()
    print('local rodata %format = "%ld\\n\\0"\n')
    print("\n".join(compiler.functions))


if __name__ == "__main__":
    main()
