//! Random functions of made-up instructions, to hold clifc's allocator to regalloc2's checker.
//!
//! A function has a random flow graph, loops with several entries included, over few registers, so that much
//! is spilled. Its instructions have every constraint there is, never more than there are registers for.
//! `CLIFC_ALLOC_SEED` and `CLIFC_ALLOC_FUNCTIONS` select other functions than the default ones.

use super::adapter::{View, machine_env};
use super::postorder::InReversePostorder;
use super::priority::{Effort, PriorityAllocator};
use crate::entity::Span;
use crate::ir;
use crate::machine::inst::{MachInst, NO_FIELD, Props, Row, RowId};
use crate::machine::reg::{
    ClassFile, Clobbered, Operand, OperandConstraint, OperandKind, OperandPos, Output, PReg, PRegSet,
    RegClass, RegisterFile, VBlock, VReg, is_constrained,
};
use crate::machine::vcode::{Edge, Origin, VBlockData, VCode};

const fn row(name: &'static str, props: Props) -> Row {
    Row {
        name,
        operands: &[],
        text: "",
        format: 0,
        params: [0; 3],
        fields: [NO_FIELD; 5],
        clobbers: PRegSet::empty(),
        props,
    }
}

static ROWS: &[Row] = &[
    row("plain", Props(0)),
    row("call", Props::CALL.or(Props::CLOBBERS)),
    row("branch", Props::BRANCH),
    row("try", Props::BRANCH.or(Props::CALL).or(Props::CLOBBERS)),
    row("return", Props::RETURN),
];
const PLAIN: RowId = RowId(0);
const CALL: RowId = RowId(1);
const BRANCH: RowId = RowId(2);
const TRY: RowId = RowId(3);
const RETURN: RowId = RowId(4);

/// A xorshift64* generator: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        ((self.next() >> 33) as usize) % bound.max(1)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        (!list.is_empty()).then(|| list[self.below(list.len())])
    }
}

/// Registers of a class: as many as `count`, of which the first `scratch` are lost in calls.
fn class_file(class: RegClass, count: usize, scratch: usize) -> ClassFile {
    let set = |range: std::ops::Range<usize>| range.map(|number| PReg::new(number, class)).collect();
    ClassFile { preferred: set(0..scratch), others: set(scratch..count) }
}

/// How many registers of a class there are, and how many of them calls clobber.
#[derive(Clone, Copy)]
struct ClassSize {
    count: usize,
    scratch: usize,
}

/// The sizes of the register files, `[integers, floats]`: a small one, under which most is spilled, and those
/// of x86_64, aarch64 and s390x.
const SIZES: [[ClassSize; 2]; 4] = [
    [ClassSize { count: 6, scratch: 4 }, ClassSize { count: 5, scratch: 4 }],
    [ClassSize { count: 15, scratch: 9 }, ClassSize { count: 16, scratch: 16 }],
    [ClassSize { count: 27, scratch: 16 }, ClassSize { count: 32, scratch: 24 }],
    [ClassSize { count: 13, scratch: 4 }, ClassSize { count: 16, scratch: 8 }],
];

/// The size of the register file for a function, by its seed: every other one has few registers.
fn sizes(seed: u64) -> [ClassSize; 2] {
    SIZES[if seed.is_multiple_of(2) { 0 } else { 1 + (seed / 2 % 3) as usize }]
}

fn register_file(sizes: [ClassSize; 2]) -> RegisterFile {
    RegisterFile {
        ints: class_file(RegClass::Int, sizes[0].count, sizes[0].scratch),
        floats: class_file(RegClass::Float, sizes[1].count, sizes[1].scratch),
        spread: false,
    }
}

/// A function being made.
struct Maker {
    random: Random,
    sizes: [ClassSize; 2],
    vcode: VCode,
    /// The destinations of each block, no edge critical, dominators before what they dominate.
    succs: Vec<Vec<usize>>,
    preds: Vec<Vec<usize>>,
    /// By block: its immediate dominator.
    idom: Vec<usize>,
    /// By block: what it defines.
    defined: Vec<Vec<VReg>>,
    /// By block: what its last instruction defines, which is read on its edges and behind them only.
    by_branch: Vec<Vec<VReg>>,
}

/// A random graph of about so many blocks, each reached from the first.
fn flow_graph(random: &mut Random, count: usize) -> Vec<Vec<usize>> {
    let mut succs = vec![Vec::new(); count];
    for block in 1..count {
        let near = random.below(3) > 0;
        let pred = if near { block - 1 } else { random.below(block) };
        succs[pred].push(block);
    }
    for _ in 0..random.below(count + 1) {
        let (from, to) = (random.below(count), 1 + random.below(count.max(2) - 1));
        if to < count && !succs[from].contains(&to) {
            succs[from].push(to);
        }
    }
    let mut entries = vec![0; count];
    succs.iter().flatten().for_each(|&to| entries[to] += 1);
    // Critical edges get blocks of their own.
    for from in 0..count {
        for at in 0..succs[from].len() {
            let to = succs[from][at];
            if succs[from].len() > 1 && entries[to] > 1 {
                succs.push(vec![to]);
                succs[from][at] = succs.len() - 1;
            }
        }
    }
    in_reverse_postorder(&succs)
}

fn in_reverse_postorder(succs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut seen = vec![false; succs.len()];
    let mut order = Vec::new();
    let mut stack = vec![(0, 0)];
    seen[0] = true;
    while let Some((block, next)) = stack.last_mut() {
        let Some(&succ) = succs[*block].get(*next) else {
            order.push(*block);
            stack.pop();
            continue;
        };
        *next += 1;
        if !std::mem::replace(&mut seen[succ], true) {
            stack.push((succ, 0));
        }
    }
    order.reverse();
    let mut number = vec![0; succs.len()];
    order.iter().enumerate().for_each(|(at, &block)| number[block] = at);
    order.iter().map(|&block| succs[block].iter().map(|&succ| number[succ]).collect()).collect()
}

/// Immediate dominators of blocks in reverse postorder.
fn immediate_dominators(preds: &[Vec<usize>]) -> Vec<usize> {
    const UNKNOWN: usize = usize::MAX;
    let mut idom = vec![UNKNOWN; preds.len()];
    idom[0] = 0;
    loop {
        let mut changed = false;
        for block in 1..preds.len() {
            let mut known = preds[block].iter().copied().filter(|&pred| idom[pred] != UNKNOWN);
            let first = known.next().expect("an earlier block leads to it");
            let found = known.fold(first, |mut a, mut b| {
                while a != b {
                    if a > b { a = idom[a] } else { b = idom[b] }
                }
                a
            });
            changed |= std::mem::replace(&mut idom[block], found) != found;
        }
        if !changed {
            return idom;
        }
    }
}

impl Maker {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        random.next();
        let count = 1 + random.below(if random.0 & 7 == 0 { 40 } else { 10 });
        let succs = flow_graph(&mut random, count);
        let mut preds = vec![Vec::new(); succs.len()];
        for (block, succs) in succs.iter().enumerate() {
            succs.iter().for_each(|&succ| preds[succ].push(block));
        }
        let idom = immediate_dominators(&preds);
        let blocks = succs.len();
        Maker {
            random,
            sizes: sizes(seed),
            vcode: VCode::default(),
            succs,
            preds,
            idom,
            defined: vec![Vec::new(); blocks],
            by_branch: vec![Vec::new(); blocks],
        }
    }

    fn class(&mut self) -> RegClass {
        if self.random.one_in(4) { RegClass::Float } else { RegClass::Int }
    }

    /// Defines a register in a block.
    fn define(&mut self, block: usize, class: RegClass) -> VReg {
        let vreg = self.vcode.vreg(class);
        self.defined[block].push(vreg);
        vreg
    }

    /// A value of a class that is defined where `block` is, if there is one; recent ones more often.
    fn value(&mut self, block: usize, class: RegClass) -> Option<VReg> {
        let mut at = block;
        loop {
            let fits: Vec<VReg> =
                self.defined[at].iter().copied().filter(|vreg| vreg.class() == class).collect();
            let found = self.random.pick(&fits);
            if at == 0 || found.is_some() && self.random.below(3) > 0 {
                return found;
            }
            at = self.idom[at];
        }
    }

    fn push(&mut self, row: RowId, operands: &[Operand], clobbers: Option<u32>, passes: bool) {
        let inst = MachInst {
            row,
            operand_count: operands.len() as u16,
            small: 0,
            trap: 0,
            passes,
            constrained: is_constrained(operands.iter().fold(0, |union, operand| union | operand.bits())),
            operands: self.vcode.operands.len() as u32,
            words: self.vcode.words.len() as u32,
        };
        self.vcode.operands.extend_from_slice(operands);
        self.vcode.words.extend(clobbers);
        self.vcode.insts.push(inst);
    }

    /// Different registers of a class, in random order.
    fn registers(&mut self, class: RegClass, among: usize) -> Vec<PReg> {
        let mut left: Vec<PReg> = (0..among).map(|number| PReg::new(number, class)).collect();
        let mut shuffled = Vec::new();
        while !left.is_empty() {
            shuffled.push(left.swap_remove(self.random.below(left.len())));
        }
        shuffled
    }

    /// An instruction with operands of one class, or two.
    fn plain(&mut self, block: usize) {
        let mut operands = Vec::new();
        let mut results = Vec::new();
        for class in [RegClass::Int, RegClass::Float] {
            if class == RegClass::Float && self.random.below(4) > 0 {
                continue;
            }
            let mut free = self.sizes[class as usize].count;
            let mut fixed = self.registers(class, free);
            // One register for each operand is more than enough, however they lie in time.
            for _ in 0..self.random.below(5) {
                self.use_of(block, class, &mut free, &mut fixed, &mut operands);
            }
            for _ in 0..self.random.below(3) {
                self.definition(class, &mut free, &mut fixed, &mut operands, &mut results);
            }
        }
        self.push(PLAIN, &operands, None, false);
        self.defined[block].extend(results);
    }

    fn use_of(
        &mut self,
        block: usize,
        class: RegClass,
        free: &mut usize,
        fixed: &mut Vec<PReg>,
        operands: &mut Vec<Operand>,
    ) {
        let Some(value) = self.value(block, class).filter(|_| *free > 1) else { return };
        *free -= 1;
        let constraint = match self.random.below(6) {
            0 => OperandConstraint::Any,
            1 => OperandConstraint::FixedReg(fixed.pop().expect("one for each operand")),
            _ => OperandConstraint::Reg,
        };
        let late = self.random.one_in(6) && constraint != OperandConstraint::Any;
        let pos = if late { OperandPos::Late } else { OperandPos::Early };
        operands.push(Operand::new(value, constraint, OperandKind::Use, pos));
    }

    fn definition(
        &mut self,
        class: RegClass,
        free: &mut usize,
        fixed: &mut Vec<PReg>,
        operands: &mut Vec<Operand>,
        results: &mut Vec<VReg>,
    ) {
        if *free == 0 {
            return;
        }
        *free -= 1;
        let vreg = self.vcode.vreg(class);
        // An operand is tied to one definition at most, and not if it is read late or must be somewhere.
        let tied = |at: usize| OperandConstraint::Reuse(at);
        let can_be_tied: Vec<usize> = (0..operands.len())
            .filter(|&at| {
                let operand = operands[at];
                let taken = operands.iter().any(|other| other.constraint() == tied(at));
                operand.class() == class
                    && (operand.kind(), operand.pos()) == (OperandKind::Use, OperandPos::Early)
                    && operand.constraint() == OperandConstraint::Reg
                    && !taken
            })
            .collect();
        let (constraint, pos) = match (self.random.below(5), self.random.pick(&can_be_tied)) {
            (0 | 1, Some(at)) => (tied(at), OperandPos::Late),
            (2, _) => {
                let pos = if self.random.one_in(3) { OperandPos::Early } else { OperandPos::Late };
                (OperandConstraint::FixedReg(fixed.pop().expect("one for each operand")), pos)
            }
            (3, _) => (OperandConstraint::Reg, OperandPos::Early),
            _ => (OperandConstraint::Reg, OperandPos::Late),
        };
        operands.push(Operand::new(vreg, constraint, OperandKind::Def, pos));
        results.push(vreg);
    }

    /// Arguments and results in given registers, and all other scratch registers lost, or all registers.
    fn call(&mut self, block: usize, all: bool) -> (Vec<Operand>, Vec<VReg>, u32) {
        let (mut operands, mut results) = (Vec::new(), Vec::new());
        let mut clobbers = PRegSet::empty();
        for class in [RegClass::Int, RegClass::Float] {
            let ClassSize { count, scratch } = self.sizes[class as usize];
            let lost = if all { count } else { scratch };
            for reg in self.registers(class, scratch).into_iter().take(self.random.below(4)) {
                if let Some(value) = self.value(block, class) {
                    operands.push(Operand::reg_fixed_use(value, reg));
                }
            }
            for number in 0..lost {
                clobbers.add(PReg::new(number, class));
            }
            for reg in self.registers(class, scratch).into_iter().take(self.random.below(3)) {
                clobbers.remove(reg);
                let vreg = self.vcode.vreg(class);
                operands.push(Operand::reg_fixed_def(vreg, reg));
                results.push(vreg);
            }
        }
        (operands, results, self.vcode.clobber_set(Clobbered::whole(clobbers)))
    }

    fn block(&mut self, block: usize) {
        let first = self.vcode.insts.len() as u32;
        if block == 0 {
            let (operands, results, _) = self.call(0, false);
            let defs: Vec<Operand> =
                operands.into_iter().filter(|operand| operand.kind() == OperandKind::Def).collect();
            self.push(PLAIN, &defs, None, false);
            self.defined[0].extend(results);
        }
        // More registers take more instructions to be short of.
        let most = 8 * self.sizes[0].count / SIZES[0][0].count;
        for _ in 0..self.random.below(most) {
            if self.random.one_in(5) {
                let (operands, results, clobbers) = self.call(block, false);
                self.push(CALL, &operands, Some(clobbers), false);
                self.defined[block].extend(results);
            } else {
                self.plain(block);
            }
        }
        self.terminator(block);
        self.vcode.blocks[block].insts = Span::from(first, self.vcode.insts.len());
        // Behind the edges, they are values as any; the blocks there are reached from here alone.
        let results = std::mem::take(&mut self.by_branch[block]);
        self.defined[block].extend(results);
    }

    fn terminator(&mut self, block: usize) {
        let passes = |maker: &Maker| {
            maker.vcode.blocks[block].edges.of(&maker.vcode.edges).iter().any(|edge| !edge.args.is_empty())
        };
        match self.succs[block].len() {
            0 => {
                let (operands, _, _) = self.call(block, false);
                let uses: Vec<Operand> =
                    operands.into_iter().filter(|operand| operand.kind() == OperandKind::Use).collect();
                self.push(RETURN, &uses, None, false);
            }
            1 => {
                self.edges(block);
                let passes = passes(self);
                self.push(BRANCH, &[], None, passes);
            }
            _ if self.random.one_in(3) => {
                let (operands, results, clobbers) = self.call(block, true);
                self.by_branch[block] = results;
                self.edges(block);
                let passes = passes(self);
                self.push(TRY, &operands, Some(clobbers), passes);
            }
            _ => {
                let mut operands = Vec::new();
                if self.random.one_in(2) {
                    let temporary = self.vcode.vreg(RegClass::Int);
                    operands.push(Operand::reg_def_at_start(temporary));
                }
                operands.extend(self.value(block, RegClass::Int).map(Operand::reg_use));
                self.edges(block);
                let passes = passes(self);
                self.push(BRANCH, &operands, None, passes);
            }
        }
    }

    /// Chooses the arguments of a block's edges.
    fn edges(&mut self, block: usize) {
        for edge in self.vcode.blocks[block].edges.iter() {
            let to = self.vcode.edges[edge as usize].to.index();
            let start = self.vcode.edge_args.len() as u32;
            for param in self.vcode.blocks[to].params.iter() {
                let class = self.vcode.params[param as usize].class();
                let results: Vec<VReg> =
                    self.by_branch[block].iter().copied().filter(|vreg| vreg.class() == class).collect();
                let result = self.random.pick(&results).filter(|_| self.random.one_in(2));
                let arg =
                    result.or_else(|| self.value(block, class)).expect("the entry defines one of each class");
                self.vcode.edge_args.push(arg);
            }
            self.vcode.edges[edge as usize].args = Span::from(start, self.vcode.edge_args.len());
        }
    }

    /// Makes blocks, edges and parameters.
    fn outline(&mut self) {
        for block in 0..self.succs.len() {
            let (edges, params) = (self.vcode.edges.len() as u32, self.vcode.params.len() as u32);
            for &to in &self.succs[block] {
                self.vcode.edges.push(Edge { to: VBlock::new(to), args: Span::default() });
                self.vcode.succs.push(VBlock::new(to));
            }
            let preds = self.vcode.preds.len() as u32;
            self.vcode.preds.extend(self.preds[block].iter().map(|&pred| VBlock::new(pred)));
            let most = match self.preds[block].len() {
                0 => 0,
                1 => 2,
                _ => 6,
            };
            for _ in 0..self.random.below(most + 1) {
                let class = self.class();
                let param = self.define(block, class);
                self.vcode.params.push(param);
            }
            self.vcode.blocks.push(VBlockData {
                insts: Span::default(),
                params: Span::from(params, self.vcode.params.len()),
                edges: Span::from(edges, self.vcode.edges.len()),
                preds: Span::from(preds, self.vcode.preds.len()),
                origin: Origin::Second(ir::Block(0)),
                cold: block > 0 && self.random.one_in(8),
            });
        }
    }

    fn make(mut self) -> VCode {
        self.outline();
        // The entry has one value of each class at least.
        let entry = [RegClass::Int, RegClass::Float].map(|class| self.vcode.vreg(class));
        let defs = entry.map(Operand::reg_def);
        self.push(PLAIN, &defs, None, false);
        self.defined[0].extend(entry);
        for block in 0..self.succs.len() {
            self.block(block);
        }
        self.vcode.blocks[0].insts.start = 0;
        self.vcode
    }
}

/// The blocks and edges of a function.
pub(super) fn flow(seed: u64) -> VCode {
    let mut maker = Maker::new(seed);
    maker.outline();
    maker.vcode
}

fn check(allocator: &mut PriorityAllocator, seed: u64) -> Result<(), String> {
    let vcode = Maker::new(seed).make();
    let file = register_file(sizes(seed));
    let mut output = Output::default();
    let effort = if seed.is_multiple_of(3) { Effort::Low } else { Effort::High };
    allocator.run(&vcode, ROWS, &file, effort, &mut output)?;
    let (mut operands, mut clobbers) = (Vec::new(), Vec::new());
    let view = InReversePostorder::new(View::new(&vcode, ROWS, &file, true, &mut operands, &mut clobbers));
    let env = machine_env(&file);
    let mut checker = regalloc2::checker::Checker::new(&view, &env);
    checker.prepare(&view.output(&output));
    checker.run().map_err(|errors| format!("{errors:?}"))
}

#[test]
fn random_functions_are_allocated_right() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("CLIFC_ALLOC_SEED").unwrap_or(1);
    let mut allocator = PriorityAllocator::default();
    for seed in first..first + number("CLIFC_ALLOC_FUNCTIONS").unwrap_or(2000) {
        if let Err(message) = check(&mut allocator, seed) {
            panic!("function {seed}: {message}");
        }
    }
}
