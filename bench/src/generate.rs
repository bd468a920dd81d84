//! Generates an input: functions like those compiled from WebAssembly and from C, always the same.

use std::fmt::Write;

/// The text of a module with `count` functions, half of each kind.
pub fn module(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let mut body = Body::new(number as u64);
        body.statements(3, number % 2 == 0);
        body.write(&mut text, number, count);
    }
    text
}

/// Pseudo-random numbers: the top bits of a linear congruential generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit
    }
}

/// The body of a function under construction. The values in `words` are i32 and dominate the end of the text;
/// v0 is the base address of memory.
struct Body {
    random: Random,
    text: String,
    words: Vec<u32>,
    values: u32,
    blocks: u32,
}

impl Body {
    fn new(seed: u64) -> Self {
        let random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Body { random, text: String::new(), words: vec![1, 2], values: 3, blocks: 1 }
    }

    /// Writes an instruction and returns its result.
    fn value(&mut self, inst: &str) -> u32 {
        let number = self.values;
        self.values += 1;
        self.line(&format!("v{number} = {inst}"));
        number
    }

    fn line(&mut self, inst: &str) {
        writeln!(self.text, "    {inst}").expect("writing to a string");
    }

    fn block(&mut self) -> u32 {
        self.blocks += 1;
        self.blocks - 1
    }

    fn begin(&mut self, block: u32, params: &str) {
        write!(self.text, "\nblock{block}{params}:\n").expect("writing to a string");
    }

    /// A random value, mostly one of the most recent.
    fn word(&mut self) -> u32 {
        let recent = self.words.len().min(6);
        let pool = if self.random.below(4) == 0 { self.words.len() } else { recent };
        self.words[self.words.len() - 1 - self.random.below(pool)]
    }

    fn statements(&mut self, depth: usize, wasm: bool) {
        for _ in 0..3 + self.random.below(4) {
            for _ in 0..2 + self.random.below(5) {
                self.arithmetic();
                self.memory(wasm);
            }
            match self.random.below(6) {
                0 | 1 if depth > 0 => self.choice(depth, wasm),
                2 if depth > 0 => self.repeat(depth, wasm),
                3 => self.call(),
                4 if depth > 0 => self.switch(),
                _ => {}
            }
        }
    }

    fn arithmetic(&mut self) {
        const OPERATIONS: [&str; 8] = ["iadd", "isub", "imul", "band", "bor", "bxor", "ishl", "ushr"];
        let operation = OPERATIONS[self.random.below(OPERATIONS.len())];
        let left = self.word();
        let right = match self.random.below(2) {
            0 => self.word(),
            _ => {
                let constant = self.random.below(1000);
                self.value(&format!("iconst.i32 {constant}"))
            }
        };
        let result = self.value(&format!("{operation} v{left}, v{right}"));
        self.words.push(result);
    }

    /// Writes a load or store: for wasm with an index into linear memory, for C with a pointer and an offset.
    fn memory(&mut self, wasm: bool) {
        let offset = 8 * self.random.below(30);
        let address = if wasm {
            let index = self.word();
            let index = self.value(&format!("uextend.i64 v{index}"));
            let base = self.value("load.i64 notrap aligned readonly v0+56");
            self.value(&format!("iadd v{base}, v{index}"))
        } else {
            0
        };
        if self.random.below(3) == 0 {
            let stored = self.word();
            self.line(&format!("store.i32 little v{stored}, v{address}+{offset}"));
        } else {
            let loaded = self.value(&format!("load.i32 little v{address}+{offset}"));
            self.words.push(loaded);
        }
    }

    fn condition(&mut self) -> u32 {
        const CONDITIONS: [&str; 5] = ["eq", "ne", "slt", "ugt", "sge"];
        let condition = CONDITIONS[self.random.below(CONDITIONS.len())];
        let (left, right) = (self.word(), self.word());
        self.value(&format!("icmp {condition} v{left}, v{right}"))
    }

    /// Writes an if-then-else.
    fn choice(&mut self, depth: usize, wasm: bool) {
        let (yes, no, join) = (self.block(), self.block(), self.block());
        let condition = self.condition();
        self.line(&format!("brif v{condition}, block{yes}, block{no}"));
        for way in [yes, no] {
            let outside = self.words.len();
            self.begin(way, "");
            self.statements(depth - 1, wasm);
            let result = self.word();
            self.line(&format!("jump block{join}(v{result})"));
            self.words.truncate(outside);
        }
        self.join(join);
    }

    /// Begins a block with one parameter, where paths merge.
    fn join(&mut self, block: u32) {
        let param = self.values;
        self.values += 1;
        self.begin(block, &format!("(v{param}: i32)"));
        self.words.push(param);
    }

    /// Writes a loop.
    fn repeat(&mut self, depth: usize, wasm: bool) {
        let (header, exit) = (self.block(), self.block());
        let start = self.word();
        self.line(&format!("jump block{header}(v{start})"));
        let outside = self.words.len();
        self.join(header);
        self.statements(depth - 1, wasm);
        let condition = self.condition();
        let next = self.word();
        self.line(&format!("brif v{condition}, block{header}(v{next}), block{exit}(v{next})"));
        self.words.truncate(outside);
        self.join(exit);
    }

    fn call(&mut self) {
        let (first, second) = (self.word(), self.word());
        let callee = self.random.below(4);
        let result = self.value(&format!("call fn{callee}(v0, v{first}, v{second})"));
        self.words.push(result);
    }

    /// Writes a `br_table`.
    fn switch(&mut self) {
        let cases: Vec<u32> = (0..5).map(|_| self.block()).collect();
        let join = self.block();
        let selector = self.word();
        let list = cases[1..].iter().map(|case| format!("block{case}")).collect::<Vec<_>>().join(", ");
        self.line(&format!("br_table v{selector}, block{}, [{list}]", cases[0]));
        for case in cases {
            let outside = self.words.len();
            self.begin(case, "");
            self.arithmetic();
            let result = self.word();
            self.line(&format!("jump block{join}(v{result})"));
            self.words.truncate(outside);
        }
        self.join(join);
    }

    /// Writes the whole function. It calls four of the `count` functions.
    fn write(mut self, out: &mut String, number: usize, count: usize) {
        let result = self.word();
        self.line(&format!("return v{result}"));
        let mut header = format!("function %f{number}(i64, i32, i32) -> i32 fast {{\n");
        for reference in 0..4 {
            let callee = self.random.below(count);
            header += &format!("    fn{reference} = colocated %f{callee}(i64, i32, i32) -> i32 fast\n");
        }
        let blocks = self.text;
        write!(out, "{header}\nblock0(v0: i64, v1: i32, v2: i32):\n{blocks}}}\n\n")
            .expect("writing to a string");
    }
}
