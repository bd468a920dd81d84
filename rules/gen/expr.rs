//! Expressions over constants, types and facts: the conditions of rules and the constants they make.
//!
//! All values are 64 bits wide, and arithmetic wraps around. A constant is zero-extended from its type. A
//! condition is an expression that is not zero.

use std::collections::BTreeMap;

/// An expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expr {
    /// A number.
    Number(u64),
    /// A constant that the pattern binds.
    Constant(String),
    /// A function of a name: a type variable, a value or a constant.
    Fact(Fact, String),
    /// Whether a value can be narrowed to a type without an instruction.
    Narrows(String, String),
    /// The lowest bits of an expression, as many as a type has, sign-extended.
    SignExtend(Box<Expr>, String),
    /// A function of one operand.
    Unary(Unary, Box<Expr>),
    /// A function of two operands.
    Binary(Binary, Box<Expr>, Box<Expr>),
}

/// A function of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fact {
    /// `bits(T)`: the width of a lane.
    Bits,
    /// `mask(T)`: as many ones.
    Mask,
    /// `zeros(x)`: the bits that are known to be zero in each lane.
    Zeros,
    /// `flag(x)`: whether the value is known to be 0 or 1.
    Flag,
    /// `varies(x)`: whether the value isn't a constant.
    Varies,
    /// `scalar(T)`: whether the type is no vector.
    Scalar,
}

/// A function of one operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unary {
    /// `-x`
    Negate,
    /// `~x`
    Complement,
    /// `pow2(x)`: whether exactly one bit is set.
    IsPower,
    /// `log2(x)`: the number of zeros below the lowest one; 64 for 0.
    Log2,
}

/// A function of two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binary {
    /// `x + y`
    Add,
    /// `x - y`
    Sub,
    /// `x * y`
    Mul,
    /// `x & y`
    And,
    /// `x | y`
    Or,
    /// `x ^ y`
    Xor,
    /// `x << y`: 0 if `y` is 64 or more.
    Shl,
    /// `x >> y`: 0 if `y` is 64 or more.
    Shr,
    /// `x == y`
    Equal,
    /// `x != y`
    NotEqual,
    /// `x < y`, unsigned
    Less,
    /// `x <= y`, unsigned
    LessOrEqual,
    /// `min(x, y)`, unsigned
    Min,
}

/// What an expression is evaluated with.
#[derive(Clone, Default, Debug)]
pub struct Env {
    /// Constants, zero-extended from their types.
    pub constants: BTreeMap<String, u64>,
    /// Width in bits of a lane of each type, value and constant.
    pub bits: BTreeMap<String, u32>,
    /// The bits of each value that are known to be zero.
    pub zeros: BTreeMap<String, u64>,
}

/// As many ones as `bits`, at most 64.
pub fn mask(bits: u32) -> u64 {
    if bits >= 64 { u64::MAX } else { (1 << bits) - 1 }
}

/// The lowest bits of a number, sign-extended.
pub fn sign_extend(x: u64, bits: u32) -> u64 {
    let unused = 64 - bits.min(64);
    ((x << unused) as i64 >> unused) as u64
}

impl Unary {
    /// The function's value.
    pub fn apply(self, x: u64) -> u64 {
        match self {
            Unary::Negate => x.wrapping_neg(),
            Unary::Complement => !x,
            Unary::IsPower => x.is_power_of_two().into(),
            Unary::Log2 => x.trailing_zeros().into(),
        }
    }
}

impl Binary {
    /// The function's value.
    pub fn apply(self, x: u64, y: u64) -> u64 {
        match self {
            Binary::Add => x.wrapping_add(y),
            Binary::Sub => x.wrapping_sub(y),
            Binary::Mul => x.wrapping_mul(y),
            Binary::And => x & y,
            Binary::Or => x | y,
            Binary::Xor => x ^ y,
            Binary::Shl => u32::try_from(y).ok().and_then(|y| x.checked_shl(y)).unwrap_or(0),
            Binary::Shr => u32::try_from(y).ok().and_then(|y| x.checked_shr(y)).unwrap_or(0),
            Binary::Equal => (x == y).into(),
            Binary::NotEqual => (x != y).into(),
            Binary::Less => (x < y).into(),
            Binary::LessOrEqual => (x <= y).into(),
            Binary::Min => x.min(y),
        }
    }

    /// Whether the value is a truth value.
    pub fn is_test(self) -> bool {
        matches!(self, Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessOrEqual)
    }
}

impl Expr {
    /// The value; `None` if it depends on something that `env` doesn't have. What decides only whether a rule
    /// pays, not whether it is right, is taken as true.
    pub fn eval(&self, env: &Env) -> Option<u64> {
        Some(match self {
            Expr::Number(n) => *n,
            Expr::Constant(name) => *env.constants.get(name)?,
            Expr::Fact(Fact::Bits, name) => u64::from(*env.bits.get(name)?),
            Expr::Fact(Fact::Mask, name) => mask(*env.bits.get(name)?),
            Expr::Fact(Fact::Zeros, name) => *env.zeros.get(name)?,
            Expr::Fact(Fact::Flag, name) => {
                let bits = *env.bits.get(name)?;
                u64::from(bits <= 64 && env.zeros.get(name)? | 1 == mask(bits))
            }
            Expr::Fact(Fact::Varies | Fact::Scalar, _) | Expr::Narrows(..) => 1,
            Expr::SignExtend(expr, name) => sign_extend(expr.eval(env)?, *env.bits.get(name)?),
            Expr::Unary(function, x) => function.apply(x.eval(env)?),
            Expr::Binary(function, x, y) => function.apply(x.eval(env)?, y.eval(env)?),
        })
    }

    /// Calls `visit` for the expression and all its parts.
    pub fn visit(&self, visit: &mut impl FnMut(&Expr)) {
        visit(self);
        match self {
            Expr::Number(_) | Expr::Constant(_) | Expr::Fact(..) | Expr::Narrows(..) => {}
            Expr::SignExtend(x, _) | Expr::Unary(_, x) => x.visit(visit),
            Expr::Binary(_, x, y) => {
                x.visit(visit);
                y.visit(visit);
            }
        }
    }

    /// The constants, types and values that the expression names.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.visit(&mut |part| match part {
            Expr::Constant(name) | Expr::Fact(_, name) | Expr::SignExtend(_, name) => {
                names.push(name.clone())
            }
            Expr::Narrows(value, ty) => names.extend([value.clone(), ty.clone()]),
            Expr::Number(_) | Expr::Unary(..) | Expr::Binary(..) => {}
        });
        names
    }

    /// Whether the expression being true implies that a constant isn't zero.
    pub fn excludes_zero(&self, constant: &str) -> bool {
        let is_it = |expr: &Expr| matches!(expr, Expr::Constant(name) if name == constant);
        match self {
            Expr::Unary(Unary::IsPower, x) => is_it(x),
            Expr::Binary(Binary::NotEqual, x, y) => is_it(x) && **y == Expr::Number(0),
            _ => false,
        }
    }
}
