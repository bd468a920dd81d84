//! Control flow: branches that join, loops, tables, calls, and the end of functions.

use super::*;

/// The values and addresses in scope, to be restored later.
#[derive(Clone)]
struct Scope(Vec<Value>, Vec<Address>);

impl Generator<'_> {
    pub(super) fn sequence(&mut self, depth: usize) {
        let mut count = 1 + self.random.below(self.shape.size);
        if depth == self.shape.depth {
            count = self.shape.size;
        }
        for _ in 0..count {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            if depth > 0 && self.random.chance(12) {
                match self.random.below(6) {
                    0 | 1 => self.branch(depth - 1),
                    2 | 3 => self.repeat(depth - 1),
                    4 => self.attempt(depth - 1),
                    _ => self.table(depth - 1),
                }
            } else {
                self.instruction();
            }
        }
    }

    fn scope(&self) -> Scope {
        Scope(self.scope.clone(), self.addresses.clone())
    }

    fn restore(&mut self, scope: &Scope) {
        (self.scope, self.addresses) = (scope.0.clone(), scope.1.clone());
    }

    fn end(&mut self, end: Terminator) {
        self.f.blocks[self.block].end = end;
    }

    /// A block with a few parameters, which are not in scope yet.
    fn join(&mut self) -> usize {
        let block = self.new_block();
        for _ in 0..self.random.below(5) {
            let ty = self.random.pick(&Ty::ALL);
            let param = self.value(ty);
            self.f.blocks[block].params.push(param);
            self.exact[param] = ty.is_int();
        }
        block
    }

    /// A block call with random arguments of the right types.
    fn block_call(&mut self, block: usize) -> BlockCall {
        let types: Vec<Ty> = self.f.blocks[block].params.iter().map(|&param| self.f.types[param]).collect();
        BlockCall { block, args: types.into_iter().map(|ty| self.operand(ty)).collect() }
    }

    fn start(&mut self, block: usize) {
        self.block = block;
        self.scope.extend(self.f.blocks[block].params.clone());
    }

    /// An arm of a branch: it jumps to `join` or ends the function.
    fn arm(&mut self, block: usize, join: usize, depth: usize) {
        self.start(block);
        self.sequence(depth);
        match self.random.below(20) {
            0 if self.shape.traps > 0 => self.end(Terminator::Trap),
            1 => self.finish(),
            _ => {
                let call = self.block_call(join);
                self.end(Terminator::Jump(call));
            }
        }
    }

    fn branch(&mut self, depth: usize) {
        let join = self.join();
        let condition = self.condition();
        let then = self.join();
        let to_then = self.block_call(then);
        let (other, to_other) = if self.random.chance(40) {
            // This is a critical edge if the other arm jumps to the join too.
            (None, self.block_call(join))
        } else if self.random.chance(10) {
            (None, self.block_call(then))
        } else {
            let other = self.join();
            (Some(other), self.block_call(other))
        };
        let swap = self.random.chance(50);
        let (a, b) = if swap { (to_other, to_then) } else { (to_then, to_other) };
        self.end(Terminator::Brif(condition, a, b));
        let scope = self.scope();
        self.arm(then, join, depth);
        self.restore(&scope);
        if let Some(other) = other {
            self.arm(other, join, depth);
            self.restore(&scope);
        }
        if self.random.chance(10) {
            self.unreachable(join);
            self.restore(&scope);
        }
        self.start(join);
    }

    /// An unreachable block.
    fn unreachable(&mut self, join: usize) {
        let block = self.join();
        self.start(block);
        self.instruction();
        let call = self.block_call(join);
        self.end(Terminator::Jump(call));
    }

    fn table(&mut self, depth: usize) {
        let join = self.join();
        let index = self.operand(Ty::I32);
        let index = match self.random.below(4) {
            0 => index,
            _ => {
                let mask = self.constant(Ty::I32, 7);
                self.emit("band", Ty::I32, vec![index, mask], NONE, &[Ty::I32])[0]
            }
        };
        let arms: Vec<usize> = (0..1 + self.random.below(4)).map(|_| self.join()).collect();
        let targets = [&arms[..], &[join]].concat();
        let default = self.random.pick(&targets);
        let default = self.block_call(default);
        let table = (0..self.random.below(8)).map(|_| {
            let target = self.random.pick(&targets);
            self.block_call(target)
        });
        let table = table.collect();
        self.end(Terminator::BrTable(index, default, table));
        let scope = self.scope();
        for arm in arms {
            self.arm(arm, join, depth);
            self.restore(&scope);
        }
        self.start(join);
    }

    /// A try_call, which always returns.
    fn attempt(&mut self, depth: usize) {
        let program = self.program;
        // More results are returned in memory, and on some targets i128 too; that is not supported yet.
        let can = |&index: &usize| {
            let callee = &program[index];
            let wide = callee.convention != "tail" && callee.returns.contains(&Ty::I128);
            callee.convention != "fast" && callee.returns.len() < 3 && !wide
        };
        let callees: Vec<usize> = (0..program.len()).filter(can).collect();
        if callees.is_empty() {
            return;
        }
        let callee = self.random.pick(&callees);
        let args = self.arguments(callee);
        let join = self.join();
        let arm = self.join();
        let normal = if self.random.chance(50) { arm } else { join };
        let mut normal = self.block_call(normal);
        for arg in &mut normal.args {
            let fits: Vec<usize> = (0..program[callee].returns.len())
                .filter(|&result| program[callee].returns[result] == self.f.types[*arg])
                .collect();
            if !fits.is_empty() && self.random.chance(70) {
                *arg = TRY_RESULT + self.random.pick(&fits);
            }
        }
        let handlers = self.random.below(3);
        let handlers: Vec<BlockCall> = (0..handlers).map(|_| self.handler(join, arm)).collect();
        self.end(Terminator::TryCall(callee, args, normal, handlers));
        let scope = self.scope();
        for block in [arm, join] {
            for param in self.f.blocks[block].params.clone() {
                self.exact[param] = self.f.types[param].is_int();
            }
        }
        self.arm(arm, join, depth);
        self.restore(&scope);
        self.start(join);
    }

    fn handler(&mut self, join: usize, arm: usize) -> BlockCall {
        let block = self.random.pick(&[join, arm]);
        let mut call = self.block_call(block);
        for arg in &mut call.args {
            if self.f.types[*arg] == Ty::I64 && self.random.chance(60) {
                *arg = TRY_PAYLOAD + self.random.below(2);
            }
        }
        call
    }

    /// Arguments for a call: the buffer, and random values of the right types.
    fn arguments(&mut self, callee: usize) -> Vec<Value> {
        let program = self.program;
        let mut args = vec![self.f.blocks[0].params[0]];
        args.extend(program[callee].params[1..].iter().map(|&ty| self.operand(ty)));
        args
    }

    /// A loop that ends after at most a few rounds.
    fn repeat(&mut self, depth: usize) {
        let header = self.join();
        let exit = self.join();
        let ty = self.random.pick(&Ty::TO_64);
        let counter = self.value(ty);
        self.f.blocks[header].params.push(counter);
        let rounds = 1 + self.random.below(5) as u128;
        let up = self.random.chance(50);
        let mut call = self.block_call_without_last(header);
        let first = self.constant(ty, if up { 0 } else { rounds });
        call.args.push(first);
        self.end(Terminator::Jump(call));
        let scope = self.scope();
        self.block = header;
        let carried = self.f.blocks[header].params.clone();
        self.scope.extend(&carried);
        self.sequence(depth);
        if self.random.chance(30) {
            let condition = self.condition();
            let next = self.new_block();
            let out = self.block_call(exit);
            let on = BlockCall { block: next, args: Vec::new() };
            self.end(Terminator::Brif(condition, out, on));
            self.block = next;
            self.sequence(depth);
        }
        self.next_round(header, exit, counter, if up { Some(rounds) } else { None });
        // Only the values from before the loop dominate all its exits.
        self.restore(&scope);
        self.start(exit);
    }

    fn block_call_without_last(&mut self, block: usize) -> BlockCall {
        let last = self.f.blocks[block].params.pop().expect("a counter");
        let call = self.block_call(block);
        self.f.blocks[block].params.push(last);
        call
    }

    /// Jumps back to the header, with the carried values changed or swapped, or leaves the loop.
    fn next_round(&mut self, header: usize, exit: usize, counter: Value, end: Option<u128>) {
        let ty = self.f.types[counter];
        let one = self.constant(ty, 1);
        let op = if end.is_some() { "iadd" } else { "isub" };
        let next = self.emit(op, ty, vec![counter, one], NONE, &[ty])[0];
        let (condition, goes_on) = match end {
            None if self.random.chance(50) => (next, true),
            _ => {
                let limit = self.constant(ty, end.unwrap_or(0));
                let word = self.random.pick(&["ne", "eq"]);
                let test = self.emit("icmp", ty, vec![next, limit], Inst { word, ..NONE }, &[Ty::I8])[0];
                (test, word == "ne")
            }
        };
        let mut back = self.block_call_without_last(header);
        if self.random.chance(60) {
            let carried = self.f.blocks[header].params.clone();
            for arg in &mut back.args {
                let same = |&&param: &&Value| self.f.types[param] == self.f.types[*arg];
                let same: Vec<Value> =
                    carried.iter().filter(same).copied().filter(|&v| v != counter).collect();
                if !same.is_empty() {
                    *arg = self.random.pick(&same);
                }
            }
        }
        back.args.push(next);
        let out = self.block_call(exit);
        let (a, b) = if goes_on { (back, out) } else { (out, back) };
        self.end(Terminator::Brif(condition, a, b));
    }

    pub(super) fn call(&mut self) {
        if self.program.is_empty() {
            return;
        }
        let callee = self.random.below(self.program.len());
        let returns = &self.program[callee].returns;
        let mut args = self.arguments(callee);
        let with = Inst { entity: callee, ..NONE };
        let op = if self.random.chance(20) {
            let address = self.emit("func_addr", Ty::I64, vec![], with.clone(), &[Ty::I64])[0];
            args.insert(0, address);
            "call_indirect"
        } else {
            "call"
        };
        let results = self.emit(op, Ty::I64, args, with, returns);
        for &result in &results {
            self.exact[result] = self.f.types[result].is_int();
        }
        self.scope.extend(results);
    }

    /// Stores some values in the buffer, which is compared at the end.
    pub(super) fn observe(&mut self) {
        let buffer = self.f.blocks[0].params[0];
        let end = BUFFER_BYTES as i64 - 32 * self.random.below(8) as i64;
        for offset in (256..end).step_by(16) {
            if self.scope.is_empty() {
                return;
            }
            let value = self.random.pick(&self.scope.clone());
            let value = self.exact(value);
            let ty = self.f.types[value];
            self.emit("store", ty, vec![value, buffer], Inst { offset, ..NONE }, &[]);
        }
    }

    /// Ends the function.
    pub(super) fn finish(&mut self) {
        if self.f.convention == "tail" && self.random.chance(40) {
            let fits = |other: &&usize| {
                let other = &self.program[**other];
                other.convention == "tail" && other.returns == self.f.returns
            };
            let candidates: Vec<usize> = (0..self.program.len()).collect();
            let candidates: Vec<usize> = candidates.iter().filter(fits).copied().collect();
            if !candidates.is_empty() {
                let callee = self.random.pick(&candidates);
                let args = self.arguments(callee);
                self.end(Terminator::ReturnCall(callee, args));
                return;
            }
        }
        let returns = self.f.returns.clone();
        let results = returns.into_iter().map(|ty| self.operand(ty)).collect();
        self.end(Terminator::Return(results));
    }
}
