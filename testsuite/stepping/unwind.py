"""Steps through a program, and compares the stack that gdb unwinds with the true one at each instruction.

gdb reads this file before it has started the program. The variables of the environment say what it needs:
FUNCTIONS names a file with a line `address size name` for each function of generated code, ARCH is the name of
the target, and START the command that starts the program.

The true stack is a list of activations. One begins where a function's first instruction is about to run, with
the return address in its place; it ends where control is at that address. A jump to a first instruction with
the same return address is a tail call. Control that appears in the middle of a function further up, other than
by a return, is at a handler of an exception: it ends all activations below.
"""

import bisect
import os
import sys

import gdb

ARCH = os.environ["ARCH"]
# How many steps to take in each call that `main` makes, before going on behind it.
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
        elif self.active and self.active[-1].returns_to == pc:
            self.leave(frame)
        elif self.active and self.active[-1].function != function:
            while self.active and self.active[-1].function != function:
                self.active.pop()
            self.landed += 1
            if not self.active:
                self.error(pc, "control came out of nowhere")

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
        gdb.execute("tbreak *%#x" % self.active[1].returns_to, to_string=True)
        gdb.execute("continue", to_string=True)
        del self.active[1:]

    def check(self, pc, frame):
        """Compares gdb's stack with the true one."""
        below = self.active[-1]
        for level, activation in enumerate(reversed(self.active)):
            older = frame.older()
            if older is None or not older.is_valid():
                why = gdb.frame_stop_reason_string(frame.unwind_stop_reason())
                return self.error(pc, "the stack ends at level %d (%s)" % (level, why))
            found = older.pc()
            if found != activation.returns_to:
                wanted = activation.returns_to
                return self.error(pc, "level %d returns to %#x, not %#x" % (level, found, wanted))
            if level == 0:
                self.check_registers(pc, older, below)
            if activation.sp is not None and level == 0:
                sp = number(older.read_register(SP))
                if sp != activation.sp:
                    activation.other_sps.setdefault(sp, pc)
            frame = older

    def check_registers(self, pc, caller, activation):
        for name, value in activation.registers.items():
            if name not in activation.wrong and number(caller.read_register(name)) != value:
                activation.wrong[name] = pc


def run():
    functions = Functions(os.environ["FUNCTIONS"])
    gdb.execute("set debuginfod enabled off")
    gdb.execute("set width 0")
    gdb.execute("set backtrace past-main on")
    main = next(row[0] for row in functions.rows if row[2] == "main")
    gdb.execute("break *%#x" % main)
    gdb.execute(os.environ["START"], to_string=True)
    stack = Stack(functions)
    bottom = None
    steps = outside = in_call = 0
    back = None
    # Breakpoints would be removed and inserted at each step.
    gdb.execute("delete")
    while True:
        frame = gdb.newest_frame()
        pc = frame.pc()
        if pc == bottom:
            break
        if functions.at(pc) is None:
            # A library: not to be checked, but it may throw.
            if outside == 0:
                back = return_address(frame)
            outside += 1
            if outside > 200:
                # It does not throw, then.
                gdb.execute("tbreak *%#x" % back, to_string=True)
                gdb.execute("continue", to_string=True)
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
            stack.check(pc, frame)
            steps += 1
            in_call = in_call + 1 if len(stack.active) > 1 else 0
            if len(stack.errors) > 20:
                break
            if in_call > MOST_STEPS:
                stack.finish_call()
                continue
        gdb.execute("stepi", to_string=True)
    for error in stack.errors:
        print("error: " + error)
    print("steps %d calls %d tails %d returns %d landings %d" % (
        steps, stack.called, stack.tails, stack.returned, stack.landed))


try:
    run()
except Exception as error:
    import traceback
    traceback.print_exc()
    print("error: %s" % error)
sys.stdout.flush()
gdb.execute("kill", to_string=True)
gdb.execute("quit")
