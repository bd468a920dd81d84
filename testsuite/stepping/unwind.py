"""Compares the stack that gdb unwinds with the true one at each instruction. See true_stack.py."""

import os
import sys

sys.path.insert(0, os.environ["HERE"])

import gdb
from true_stack import SP, Functions, Stack, main, number, step_through


class Checked(Stack):
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
    stack = Checked(Functions(os.environ["FUNCTIONS"]))
    steps = step_through(stack, stack.check)
    counts = (steps, stack.called, stack.tails, stack.returned, stack.landed)
    return stack, "steps %d calls %d tails %d returns %d landings %d" % counts


main(run)
