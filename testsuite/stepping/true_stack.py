"""The true stack of a program that gdb steps through.

The variables of the environment say what is needed: FUNCTIONS names a file with a line `address size name`
for each function of generated code, ARCH is the name of the target, START the command that starts the
program, and MOST_STEPS how many steps to take in each call that `main` makes, before going on behind it.

The true stack is a list of activations. One begins where a function's first instruction is about to run, with
the return address in its place; it ends where control is at that address. A jump to a first instruction with
the same return address is a tail call. Control that appears in the middle of a function further up, other
than by a return, is at a handler of an exception: it ends all activations below.
"""

import bisect
import os
import sys
import traceback

import gdb

ARCH = os.environ["ARCH"]
MOST_STEPS = int(os.environ["MOST_STEPS"])
# Registers that functions of the system's convention preserve. Whether a function with another convention
# preserved one shows when it returns.
PRESERVED = {
    "x86_64": ["rbx", "rbp", "r12", "r13", "r14", "r15"],
    "aarch64": ["x%d" % n for n in range(19, 30)] + ["v%d" % n for n in range(8, 16)],
    # gdb takes a floating-point register that is a part of a vector register for another one in frames
    # further up.
    "s390x": ["r%d" % n for n in range(6, 14)],
}[ARCH]
# With the setting `enable_pinned_reg`, a function may change this one for its callers.
PINNED = {"x86_64": "r15", "aarch64": "x21", "s390x": "r13"}[ARCH]
if os.environ.get("PINS") == "true":
    PRESERVED.remove(PINNED)
SP = {"x86_64": "rsp", "aarch64": "sp", "s390x": "r15"}[ARCH]
BITS = 64


def number(value):
    """The bits of an integer register; another text for each contents of a floating-point register."""
    kind = value.type.strip_typedefs().code
    if kind == gdb.TYPE_CODE_UNION:
        # A vector register, of which conventions preserve half.
        return int(value["d"]["u"][0])
    if kind == gdb.TYPE_CODE_FLT:
        return value.format_string(format="x", raw=True)
    return int(value) & (1 << BITS) - 1


def registers(frame, names):
    return {name: number(frame.read_register(name)) for name in names}


class Functions:
    def __init__(self, path):
        rows = []
        for line in open(path):
            address, size, name = line.split()
            rows.append((int(address, 16), int(size), name))
        self.rows = sorted(rows)
        self.starts = [row[0] for row in self.rows]

    def at(self, pc):
        """The first address of the function that contains `pc`, or None."""
        n = bisect.bisect_right(self.starts, pc) - 1
        if n >= 0 and pc < self.rows[n][0] + self.rows[n][1]:
            return self.rows[n][0]
        return None

    def name(self, start):
        return self.rows[self.starts.index(start)][2]


class Activation:
    def __init__(self, function, frame):
        self.function = function
        self.returns_to = return_address(frame)
        self.registers = registers(frame, PRESERVED)
        # The stack pointer that the caller had at the call, unless a tail call led here.
        self.sp = number(frame.read_register(SP)) + (8 if ARCH == "x86_64" else 0)
        # Registers that gdb did not find: name, then the address of the instruction.
        self.wrong = {}
        # Other stack pointers of the caller that gdb found: those behind the call, if this removes arguments.
        self.other_sps = {}


def return_address(frame):
    """The return address, at a function's first instruction."""
    if ARCH == "x86_64":
        sp = number(frame.read_register(SP))
        return int.from_bytes(gdb.selected_inferior().read_memory(sp, 8).tobytes(), "little")
    return number(frame.read_register({"aarch64": "x30", "s390x": "r14"}[ARCH]))


class Stack:
    def __init__(self, functions):
        self.functions = functions
        self.active = []
        self.returned = self.tails = self.landed = self.called = 0
        self.errors = []

    def error(self, pc, message):
        function = self.functions.at(pc)
        where = "%s+%#x" % (self.functions.name(function), pc - function) if function else hex(pc)
        self.errors.append("%s: %s" % (where, message))

    def move(self, pc, frame):
        """Follows control to `pc` in generated code. Returns whether the program goes on."""
        function = self.functions.at(pc)
        if pc == function:
            new = Activation(function, frame)
            if self.active and self.active[-1].returns_to == new.returns_to:
                old = self.active.pop()
                new.registers, new.sp = old.registers, None
                self.tails += 1
            else:
                self.called += 1
            self.active.append(new)
            self.begun(new)
        elif self.active and self.active[-1].returns_to == pc:
            self.leave(frame)
        elif self.active and self.active[-1].function != function:
            while self.active and self.active[-1].function != function:
                self.active.pop()
            self.landed += 1
            if not self.active:
                self.error(pc, "control came out of nowhere")

    def begun(self, activation):
        """An activation has begun."""

    def skipped(self):
        """The rest of a call of `main` was not stepped through."""

    def leave(self, frame):
        old = self.active.pop()
        self.returned += 1
        sp = number(frame.read_register(SP))
        for found, pc in old.other_sps.items():
            if found != sp:
                self.error(pc, "the caller's stack pointer is %#x, not %#x or %#x" % (found, old.sp, sp))
        if not old.wrong:
            return
        now = registers(frame, old.wrong)
        for name, pc in old.wrong.items():
            if now[name] == old.registers[name]:
                self.error(pc, "%s of the caller is not found" % name)

    def finish_call(self):
        """Runs on to behind the call that `main` has made."""
        run_to(self.active[1].returns_to)
        del self.active[1:]
        self.skipped()


def step_through(stack, check):
    """Steps through the program. Calls `check` with the address and the frame at each instruction of
    generated code, before which the stack is that of the program. Returns the number of steps."""
    gdb.execute("set debuginfod enabled off")
    gdb.execute("set width 0")
    gdb.execute("set backtrace past-main on")
    main = next(row[0] for row in stack.functions.rows if row[2] == "main")
    gdb.execute("break *%#x" % main)
    gdb.execute(os.environ["START"], to_string=True)
    # Breakpoints would be removed and inserted at each step.
    gdb.execute("delete")
    bottom = back = None
    steps = outside = in_call = 0
    while len(stack.errors) <= 20:
        frame = gdb.newest_frame()
        pc = frame.pc()
        if pc == bottom:
            break
        if stack.functions.at(pc) is None:
            # A library: not to be checked, but it may throw.
            if outside == 0:
                back = return_address(frame)
            outside += 1
            if outside > 200:
                # It does not throw, then.
                run_to(back)
                continue
        else:
            if outside > 0 and pc != back:
                stack.landed += 1
            outside = 0
            stack.move(pc, frame)
            if not stack.active:
                break
            if bottom is None:
                bottom = stack.active[0].returns_to
            check(pc, frame)
            steps += 1
            in_call = in_call + 1 if len(stack.active) > 1 else 0
            if in_call > MOST_STEPS:
                stack.finish_call()
                continue
        gdb.execute("stepi", to_string=True)
    return steps


def run_to(address):
    gdb.execute("tbreak *%#x" % address, to_string=True)
    gdb.execute("continue", to_string=True)


def main(run):
    """Runs the whole script: prints errors, each on a line, and the text that `run` returns."""
    try:
        stack, text = run()
        for error in stack.errors:
            print("error: " + error)
        print(text)
    except Exception as error:
        traceback.print_exc()
        print("error: %s" % error)
    sys.stdout.flush()
    gdb.execute("kill", to_string=True)
    gdb.execute("quit")
