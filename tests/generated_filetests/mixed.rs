//! Random expressions over integers of all widths.

use crate::catalogue::random::Random;
use crate::integers::{HEADER, signed};
use crate::writer::File;

const WIDTHS: [u32; 5] = [8, 16, 32, 64, 128];

/// How many functions, and how many operations each has.
const FUNCTIONS: usize = 32;
const OPERATIONS: usize = 12;

pub fn add(files: &mut Vec<File>) {
    let mut file = File::new("int/mixed.clif", "Random expressions over all widths.", HEADER);
    for n in 0..FUNCTIONS {
        let name = format!("mixed_{n}");
        let mut random = Random::new(&name);
        let params: Vec<u32> = (0..3).map(|_| random.choose(&WIDTHS)).collect();
        let mut values = Expressions { body: String::new(), widths: params.clone(), random };
        for _ in 0..OPERATIONS {
            values.operation();
        }
        let last = values.widths.len() - 1;
        let results: Vec<usize> = [last, values.random.below(last)].into();
        let types = |widths: &[u32]| widths.iter().map(|w| format!("i{w}")).collect::<Vec<_>>().join(", ");
        let widths: Vec<u32> = results.iter().map(|&n| values.widths[n]).collect();
        let names: Vec<String> = results.iter().map(|n| format!("v{n}")).collect();
        let body = format!("{} return {}", values.body, names.join(", "));
        file.add(&name, &format!("{} -> {}", types(&params), types(&widths)), &body, 4);
    }
    files.push(file);
}

/// Values so far: `v0` and on.
struct Expressions {
    body: String,
    widths: Vec<u32>,
    random: Random<'static>,
}

impl Expressions {
    /// Defines the next value.
    fn define(&mut self, width: u32, code: &str) -> usize {
        let n = self.widths.len();
        self.body += &format!("v{n} = {code}; ");
        self.widths.push(width);
        n
    }

    /// A value of some width: one there is, a constant, or one converted.
    fn operand(&mut self, width: u32) -> String {
        if width < 128 && self.random.below(4) == 0 {
            let constant = signed(self.random.integer(width), width);
            let n = self.define(width, &format!("iconst.i{width} {constant}"));
            return format!("v{n}");
        }
        let n = self.random.below(self.widths.len());
        let converted = match self.widths[n].cmp(&width) {
            std::cmp::Ordering::Equal => n,
            std::cmp::Ordering::Greater => self.define(width, &format!("ireduce.i{width} v{n}")),
            std::cmp::Ordering::Less => {
                let extend = self.random.choose(&["uextend", "sextend"]);
                self.define(width, &format!("{extend}.i{width} v{n}"))
            }
        };
        format!("v{converted}")
    }

    fn operation(&mut self) {
        const BINARY: [&str; 13] = [
            "iadd", "isub", "imul", "band", "bor", "bxor", "umulhi", "smulhi", "ishl", "ushr", "sshr",
            "rotl", "smax",
        ];
        const UNARY: [&str; 7] = ["ineg", "bnot", "iabs", "clz", "ctz", "popcnt", "bitrev"];
        let width = self.random.choose(&WIDTHS);
        let x = self.operand(width);
        match self.random.below(8) {
            0 => {
                let op = self.random.choose(&UNARY);
                self.define(width, &format!("{op} {x}"));
            }
            1 | 2 => {
                let y = self.operand(width);
                let cc = self.random.choose(&["eq", "ne", "slt", "sge", "ult", "ugt", "ule", "sgt"]);
                let flag = self.define(8, &format!("icmp {cc} {x}, {y}"));
                self.define(width, &format!("select v{flag}, {x}, {y}"));
            }
            _ => {
                let y = self.operand(width);
                let op = self.random.choose(&BINARY);
                self.define(width, &format!("{op} {x}, {y}"));
            }
        }
    }
}
