"""Compares each value that gdb prints with what the interpreter computed. See true_stack.py.

The variable TRACE names the output of `clifc run --trace`. Activations of functions are in the same order
there as in the program. In an activation, the values that gdb prints for `v4` one after the other must be
some of those that the interpreter gave it, in the same order: a loop defines it again and again. What an
address is differs, so values that are one in the interpreter's memory are left out.
"""

import math
import os
import re
import struct
import sys

sys.path.insert(0, os.environ["HERE"])

import gdb
from true_stack import Functions, Stack, main, step_through

# The addresses in the interpreter's memory.
ADDRESSES = range(0x10000, 0x80000000)


class Traced:
    """An activation in the trace."""

    def __init__(self, name, depth, main_lines):
        self.name = name
        self.depth = depth
        # How many lines of `main` come before it.
        self.main_lines = main_lines
        self.values = {}


def read_trace(path):
    activations, stack, main_lines = [], {}, 0
    for line in open(path):
        text = line.strip()
        depth = (len(line) - len(line.lstrip())) // 2
        match = re.match(r"v(\d+) = (.*)$", text)
        if match:
            stack[depth].values.setdefault("v" + match.group(1), []).append(match.group(2))
            main_lines += depth == 1
        elif text.startswith("%"):
            stack[depth] = Traced(text[1:], depth, main_lines)
            activations.append(stack[depth])
    return activations


def bits_of(text, kind):
    """The bits of a value in the trace; None for what is not a number."""
    if kind[0] == "i":
        return int(text, 0) & (1 << int(kind[1:])) - 1
    if "NaN" in text:
        return None
    value = math.inf if text == "+Inf" else -math.inf if text == "-Inf" else float.fromhex(text)
    code = {"f16": ">e", "f32": ">f", "f64": ">d"}[kind]
    return int.from_bytes(struct.pack(code, value), "big")


def lanes_of(text, kind, lanes):
    words = text.strip("[]").split()
    return [bits_of(word, kind) for word in words] if len(words) == lanes else []


def raw(value):
    """The bits of a value that gdb prints."""
    if value.type.code == gdb.TYPE_CODE_INT and value.type.sizeof <= 8:
        return int(value) & (1 << 8 * value.type.sizeof) - 1
    return int(value.format_string(format="x", raw=True), 16)


class Checked(Stack):
    def __init__(self, functions, trace):
        Stack.__init__(self, functions)
        self.trace = trace
        self.next = 0
        self.equal = self.lost = self.addresses = 0

    def begun(self, activation):
        """Finds the activation in the trace."""
        name = self.functions.name(activation.function)
        activation.traced = self.trace[self.next] if self.next < len(self.trace) else None
        self.next += 1
        activation.reached = {}
        if activation.traced is None or activation.traced.name != name:
            found = activation.traced.name if activation.traced else "nothing"
            raise Exception("%s is entered, where the interpreter enters %s" % (name, found))

    def skipped(self):
        """Goes on in the trace behind the call of `main` that was left."""
        before = self.trace[self.next - 1].main_lines
        while self.next < len(self.trace) and self.trace[self.next].main_lines == before:
            self.next += 1

    def check(self, pc, frame):
        # `main` has too many values, which are constants.
        if len(self.active) < 2:
            return
        activation = self.active[-1]
        self.check_frame(pc, frame, activation)
        if pc == activation.function and len(self.active) > 2:
            # Values of the caller, at the call. Frames that tail calls removed have no values.
            older = frame.older()
            while older.type() == gdb.TAILCALL_FRAME:
                older = older.older()
            self.check_frame(pc, older, self.active[-2])

    def check_frame(self, pc, frame, activation):
        for symbol in self.symbols_of(frame):
            value = symbol.value(frame)
            if value.is_optimized_out:
                self.lost += 1
                continue
            why = self.compare(symbol.name, value, activation)
            if why:
                self.error(pc, "%s %s" % (symbol.name, why))

    def symbols_of(self, frame):
        """The values whose scope control is in."""
        found, block = [], frame.block()
        while block and not block.is_static:
            found += [symbol for symbol in block if symbol.name[0] == "v"]
            block = block.superblock
        return found

    def compare(self, name, value, activation):
        """Returns what is wrong with a value."""
        texts = activation.traced.values.get(name)
        kind = value.type.strip_typedefs()
        if kind.code == gdb.TYPE_CODE_ARRAY:
            first, last = kind.range()
            lane = kind.target().name
            found = [raw(value[n]) for n in range(first, last + 1)]
            wanted = [lanes_of(text, lane, len(found)) for text in texts or []]
        else:
            found = [raw(value)]
            wanted = [[bits_of(text, kind.name)] for text in texts or []]
        if texts is None:
            # A constant is known before the interpreter comes to it.
            return None if activation_constant(name, value) else "is %s, but is not defined" % value
        for at in range(activation.reached.get(name, 0), len(wanted)):
            if all(want is None or have == want for have, want in zip(found, wanted[at])):
                activation.reached[name] = at
                self.equal += 1
                return None
        if all(len(want) == 1 and want[0] in ADDRESSES for want in wanted):
            self.addresses += 1
            return None
        return "is %s, but the interpreter has %s" % (value, ", ".join(texts[:4]))


def activation_constant(name, value):
    """Whether a value is known everywhere, like a constant: it is in no register and no memory."""
    return value.address is None and not value.is_lazy


def run():
    stack = Checked(Functions(os.environ["FUNCTIONS"]), read_trace(os.environ["TRACE"]))
    steps = step_through(stack, stack.check)
    counts = (steps, stack.equal, stack.lost, stack.addresses)
    return stack, "steps %d equal %d lost %d addresses %d" % counts


main(run)
