//! The types in a rule: which of its values have the same type, what the pattern implies, what must be
//! checked, and whether the result is valid wherever the pattern is.
//!
//! Values of the same type form a class. In a pattern, classes follow from the rows of the opcodes: valid
//! instructions need no check. Names join further classes, which the matcher compares, and the result may
//! use a class only as far as the pattern's conditions allow: this is tried with all types.

use super::expr::{Env, Expr, Fact};
use super::ir::opcode::sets;
use super::ir::types::{self, Type, TypeSet};
use super::ir::{CtrlFrom, Opcode, TypeRule};
use super::syntax::{Cc, Head, Term, Text};
use std::collections::BTreeMap;

/// A rule with its types.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The text.
    pub text: Text,
    /// The pattern.
    pub pattern: Node,
    /// The result.
    pub result: Node,
    /// The classes of types.
    pub classes: Vec<Class>,
    /// The classes of names: of types, values and constants.
    pub names: BTreeMap<String, usize>,
    /// The pairs of types that must be equal for the pattern to match.
    pub equal: Vec<(Access, Access)>,
    relations: Vec<Relation>,
}

/// A term with its types.
#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    /// An instruction.
    Op {
        /// Its opcode.
        head: Head,
        /// The condition of a comparison.
        cc: Option<Cc>,
        /// The class of the controlling type.
        ctrl: usize,
        /// The class of the result.
        class: usize,
        /// The operands.
        args: Vec<Node>,
    },
    /// Any value.
    Value {
        /// Its name.
        name: String,
        /// Its class.
        class: usize,
    },
    /// A constant.
    Constant {
        /// Its value, of which the type takes the lowest bits.
        expr: Expr,
        /// Its class.
        class: usize,
    },
}

impl Node {
    /// The class of the value.
    pub fn class(&self) -> usize {
        match self {
            Node::Op { class, .. } | Node::Value { class, .. } | Node::Constant { class, .. } => *class,
        }
    }

    /// Calls `visit` for the node and all its parts, in the order of the text.
    pub fn visit<'a>(&'a self, visit: &mut impl FnMut(&'a Node)) {
        visit(self);
        if let Node::Op { args, .. } = self {
            args.iter().for_each(|arg| arg.visit(visit));
        }
    }
}

/// Values of the same type.
#[derive(Clone, Debug)]
pub struct Class {
    /// The types that a valid function allows.
    pub given: TypeSet,
    /// The types at which the rule is to apply.
    pub wanted: TypeSet,
    /// Where the matcher finds the type; `None` if the pattern doesn't have it.
    pub access: Option<Access>,
}

/// Where a matcher finds a type, by the path of operands from the root of the pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Access {
    /// The controlling type of an instruction.
    Ctrl(Vec<usize>),
    /// The type of an operand.
    Value(Vec<usize>),
}

impl Access {
    /// How many instructions the matcher must have found before, roughly: the less, the better.
    fn depth(&self) -> usize {
        match self {
            Access::Ctrl(path) => 2 * path.len(),
            Access::Value(path) => 2 * path.len() - 1,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Relation {
    kind: Kind,
    of: [usize; 2],
    in_pattern: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The first type is narrower than the second.
    Narrower,
    /// The first type is twice as wide as the second.
    Double,
}

/// The types that constants in patterns have: the matcher knows constants of up to 64 bits.
const CONSTANTS: TypeSet = TypeSet { lanes: 0b1_1110, counts: 0xffff };

fn only(ty: Type) -> TypeSet {
    TypeSet { lanes: 1 << (ty.0 & 15), counts: 1 << (ty.0 >> 4) }
}

fn both(a: TypeSet, b: TypeSet) -> TypeSet {
    TypeSet { lanes: a.lanes & b.lanes, counts: a.counts & b.counts }
}

const SCALAR: TypeSet = TypeSet { lanes: 0xffff, counts: 1 };

/// Finds the types in a rule.
pub fn infer(text: Text) -> Result<Rule, String> {
    let mut inference = Inference::default();
    let mut pattern = inference.node(&text.pattern, &mut Vec::new())?;
    if !matches!(pattern, Node::Op { .. }) {
        return Err("the pattern must begin with an opcode".into());
    }
    let equal = inference.join_names()?;
    inference.in_result = true;
    let mut result = inference.node(&text.result, &mut Vec::new())?;
    inference.unify(pattern.class(), result.class())?;
    for condition in &text.conditions {
        if let Expr::Fact(Fact::Scalar, name) = condition {
            let class = inference.known(name)?;
            inference.classes[class].wanted = both(inference.classes[class].wanted, SCALAR);
        }
    }
    inference.settle(&mut pattern);
    inference.settle(&mut result);
    let rule = inference.finish(text, pattern, result, equal);
    rule.check()?;
    Ok(rule)
}

#[derive(Default)]
struct Inference {
    classes: Vec<Class>,
    /// The class that each class was joined with, or itself.
    parents: Vec<usize>,
    in_pattern: Vec<bool>,
    relations: Vec<Relation>,
    /// Classes by the names of types; several until they are joined.
    types: BTreeMap<String, Vec<usize>>,
    /// Classes of values and constants.
    values: BTreeMap<String, usize>,
    in_result: bool,
}

impl Inference {
    fn class(&mut self, set: TypeSet, access: Option<Access>) -> usize {
        let (given, wanted) = if self.in_result { (sets::ANY, set) } else { (set, sets::ANY) };
        self.classes.push(Class { given, wanted, access });
        self.parents.push(self.parents.len());
        self.in_pattern.push(!self.in_result);
        self.parents.len() - 1
    }

    fn root(&self, mut class: usize) -> usize {
        while self.parents[class] != class {
            class = self.parents[class];
        }
        class
    }

    /// Joins two classes.
    fn unify(&mut self, a: usize, b: usize) -> Result<(), String> {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return Ok(());
        }
        if self.in_result && self.in_pattern[a] && self.in_pattern[b] {
            let types = [a, b].map(|class| both(self.classes[class].given, self.classes[class].wanted));
            if types[0] == types[1] && types[0].lanes.is_power_of_two() && types[0].counts.is_power_of_two() {
                return Ok(());
            }
            return Err("the result needs types to be equal that the pattern doesn't name alike".into());
        }
        let (a, b) = if self.in_pattern[b] && !self.in_pattern[a] { (b, a) } else { (a, b) };
        let other = self.classes[b].clone();
        let class = &mut self.classes[a];
        class.given = both(class.given, other.given);
        class.wanted = both(class.wanted, other.wanted);
        let accesses = class.access.take().into_iter().chain(other.access);
        class.access = accesses.min_by_key(Access::depth);
        self.parents[b] = a;
        Ok(())
    }

    /// Requires a type of a class: in the pattern this is known, of the result it is checked.
    fn restrict(&mut self, class: usize, set: TypeSet) {
        let root = self.root(class);
        let class = &mut self.classes[root];
        match self.in_result {
            false => class.given = both(class.given, set),
            true => class.wanted = both(class.wanted, set),
        }
    }

    /// Requires what the matcher must check.
    fn want(&mut self, class: usize, set: TypeSet) {
        let root = self.root(class);
        self.classes[root].wanted = both(self.classes[root].wanted, set);
    }

    fn known(&self, name: &str) -> Result<usize, String> {
        let class = self.types.get(name).map(|classes| classes[0]).or(self.values.get(name).copied());
        class.map(|class| self.root(class)).ok_or_else(|| format!("unknown name `{name}`"))
    }

    /// Gives a class the name of a type or a variable.
    fn annotate(&mut self, class: usize, name: &Option<String>) -> Result<(), String> {
        let Some(name) = name else { return Ok(()) };
        if let Some(ty) = Type::parse(name.as_bytes()) {
            self.want(class, only(ty));
            self.values.insert(name.clone(), class);
            return Ok(());
        }
        if self.in_result {
            let known = self.known(name)?;
            return self.unify(known, class);
        }
        self.types.entry(name.clone()).or_default().push(class);
        Ok(())
    }

    /// Joins the classes of each name, and returns the types that have to be compared.
    fn join_names(&mut self) -> Result<Vec<(Access, Access)>, String> {
        let mut equal = Vec::new();
        for classes in self.types.clone().into_values() {
            for &class in &classes[1..] {
                let (a, b) = (self.root(classes[0]), self.root(class));
                if a != b {
                    let pair = self.classes[a].access.clone().zip(self.classes[b].access.clone());
                    equal.push(pair.ok_or("types without an operand can't be compared")?);
                    self.unify(a, b)?;
                }
            }
        }
        Ok(equal)
    }

    fn node(&mut self, term: &Term, path: &mut Vec<usize>) -> Result<Node, String> {
        match term {
            Term::Value { name, ty } => {
                let class = self.value(name, sets::ANY, path)?;
                self.annotate(class, ty)?;
                Ok(Node::Value { name: name.clone(), class })
            }
            Term::Constant(expr) => {
                let class = match expr {
                    Expr::Constant(name) if !self.in_result => self.value(name, CONSTANTS, path)?,
                    _ => {
                        let set = if self.in_result { sets::INT } else { CONSTANTS };
                        self.class(set, self.access(path))
                    }
                };
                Ok(Node::Constant { expr: expr.clone(), class })
            }
            Term::Op { head, ty, cc, args } => {
                let mut nodes = Vec::new();
                for (n, arg) in args.iter().enumerate() {
                    path.push(n);
                    nodes.push(self.node(arg, path)?);
                    path.pop();
                }
                self.operation(*head, ty, cc, nodes, path)
            }
        }
    }

    fn access(&self, path: &[usize]) -> Option<Access> {
        (!self.in_result && !path.is_empty()).then(|| Access::Value(path.to_vec()))
    }

    fn value(&mut self, name: &str, set: TypeSet, path: &[usize]) -> Result<usize, String> {
        match self.values.get(name) {
            Some(&class) => Ok(class),
            None if self.in_result => Err(format!("the pattern has no `{name}`")),
            None => {
                let class = self.class(set, self.access(path));
                self.values.insert(name.into(), class);
                Ok(class)
            }
        }
    }

    fn operation(
        &mut self,
        head: Head,
        ty: &Option<String>,
        cc: &Option<Cc>,
        mut args: Vec<Node>,
        path: &[usize],
    ) -> Result<Node, String> {
        let access = (!self.in_result).then(|| Access::Ctrl(path.to_vec()));
        let Head::Opcode(opcode) = head else {
            self.restrict(args[0].class(), sets::INT_SCALAR);
            let class = self.class(sets::ANY, None);
            return Ok(Node::Op { head, cc: cc.clone(), ctrl: args[0].class(), class, args });
        };
        let info = opcode.info();
        if info.ctrl == CtrlFrom::None || info.results.len() != 1 {
            return Err(format!("rules can't use `{}`", info.name));
        }
        if self.in_result && info.effects.0 != 0 {
            return Err(format!("`{}` has effects", info.name));
        }
        let ctrl = self.class(info.ctrl_set, access);
        for (rule, arg) in info.args.iter().zip(&mut args) {
            if let (TypeRule::In(_), true) = (rule, self.in_result) {
                self.keep_type(arg);
            }
            let class = arg.class();
            match rule {
                TypeRule::Ctrl => self.unify(ctrl, class)?,
                TypeRule::In(set) => self.restrict(class, *set),
                TypeRule::NarrowerInt => self.relate(Kind::Narrower, [class, ctrl]),
                TypeRule::WiderInt => self.relate(Kind::Narrower, [ctrl, class]),
                _ => return Err(format!("rules can't use operands like those of `{}`", info.name)),
            }
        }
        let class = match info.results[0] {
            TypeRule::Ctrl => ctrl,
            TypeRule::Truthy => {
                self.want(ctrl, SCALAR);
                self.class(only(types::I8), self.access(path))
            }
            TypeRule::Double => {
                let class = self.class(sets::INT_SCALAR, self.access(path));
                self.relate(Kind::Double, [class, ctrl]);
                class
            }
            _ => return Err(format!("rules can't use results like that of `{}`", info.name)),
        };
        self.annotate(ctrl, ty)?;
        Ok(Node::Op { head, cc: cc.clone(), ctrl, class, args })
    }

    /// Lets a constant of the pattern keep its type where the result leaves it open.
    fn keep_type(&self, node: &mut Node) {
        if let Node::Constant { expr: Expr::Constant(name), class } = node
            && let Some(&known) = self.values.get(name)
        {
            *class = known;
        }
    }

    fn relate(&mut self, kind: Kind, of: [usize; 2]) {
        of.iter().for_each(|&class| self.restrict(class, sets::INT_SCALAR));
        self.relations.push(Relation { kind, of, in_pattern: !self.in_result });
    }

    /// Replaces classes by those they were joined with.
    fn settle(&self, node: &mut Node) {
        match node {
            Node::Op { ctrl, class, args, .. } => {
                (*ctrl, *class) = (self.root(*ctrl), self.root(*class));
                args.iter_mut().for_each(|arg| self.settle(arg));
            }
            Node::Value { class, .. } | Node::Constant { class, .. } => *class = self.root(*class),
        }
    }

    fn finish(mut self, text: Text, pattern: Node, result: Node, equal: Vec<(Access, Access)>) -> Rule {
        for relation in &mut self.relations {
            relation.of = relation.of.map(|class| {
                let mut class = class;
                while self.parents[class] != class {
                    class = self.parents[class];
                }
                class
            });
        }
        let mut names: BTreeMap<String, usize> =
            self.values.iter().map(|(name, &class)| (name.clone(), self.root(class))).collect();
        names.extend(self.types.iter().map(|(name, classes)| (name.clone(), self.root(classes[0]))));
        let mut classes = self.classes;
        for (class, known) in classes.iter_mut().zip(&self.in_pattern) {
            // A type that is up to the result, such as that of a shift's amount.
            if !known
                && class.wanted.lanes.count_ones() > 1
                && both(class.wanted, only(types::I32)).lanes != 0
            {
                class.wanted = only(types::I32);
            }
        }
        Rule { text, pattern, result, classes, names, equal, relations: self.relations }
    }
}

impl Rule {
    /// The lane types of a class that the rule is to be right for. Where integers and floats are allowed, only
    /// bits matter, so that integers are enough.
    fn lanes(&self, number: usize) -> Vec<Type> {
        let class = &self.classes[number];
        let set = both(class.given, class.wanted).lanes;
        let of = |range: std::ops::RangeInclusive<u8>| {
            range.map(Type).filter(|ty| set >> ty.0 & 1 != 0).collect::<Vec<_>>()
        };
        let integers = of(1..=5);
        if self.is_cast(number) {
            return of(1..=9);
        }
        if integers.is_empty() { of(6..=9) } else { integers }
    }

    /// Whether a `bitcast` makes a class of types or is given it.
    fn is_cast(&self, number: usize) -> bool {
        let mut found = false;
        self.pattern.visit(&mut |node| {
            if let Node::Op { head: Head::Opcode(Opcode::Bitcast), ctrl, args, .. } = node {
                found |= *ctrl == number || args[0].class() == number;
            }
        });
        found
    }

    /// The classes that occur in the rule.
    fn used(&self) -> Vec<usize> {
        let mut used = Vec::new();
        for side in [&self.pattern, &self.result] {
            side.visit(&mut |node| {
                used.push(node.class());
                if let Node::Op { ctrl, .. } = node {
                    used.push(*ctrl);
                }
            });
        }
        used.sort_unstable();
        used.dedup();
        used
    }

    /// All choices of a lane type for each class at which the rule applies. Classes that the rule doesn't use
    /// have an invalid type.
    pub fn assignments(&self) -> Vec<Vec<Type>> {
        let mut all = vec![vec![types::INVALID; self.classes.len()]];
        for class in self.used() {
            let lanes = self.lanes(class);
            let extend = |types: Vec<Type>| {
                lanes
                    .iter()
                    .map(move |&lane| {
                        let mut types = types.clone();
                        types[class] = lane;
                        types
                    })
                    .collect::<Vec<_>>()
            };
            all = all.into_iter().flat_map(extend).collect();
            all.retain(|types| self.holds(types, true));
        }
        all.retain(|types| {
            let env = self.env(types);
            self.text.conditions.iter().all(|condition| condition.eval(&env) != Some(0))
        });
        all
    }

    /// What expressions see of the types.
    pub fn env(&self, types: &[Type]) -> Env {
        let bits = self.names.iter().map(|(name, &class)| (name.clone(), types[class].bits()));
        Env { bits: bits.collect(), ..Env::default() }
    }

    /// Whether the relations of the pattern or of the result hold. Those of invalid types do.
    fn holds(&self, types: &[Type], in_pattern: bool) -> bool {
        self.relations.iter().filter(|relation| relation.in_pattern == in_pattern).all(|relation| {
            let [a, b] = relation.of.map(|class| types[class].bits());
            match relation.kind {
                _ if a == 0 || b == 0 => true,
                Kind::Narrower => a < b,
                Kind::Double => a == 2 * b,
            }
        })
    }

    /// Checks that the result is valid wherever the pattern and the conditions are.
    fn check(&self) -> Result<(), String> {
        for condition in &self.text.conditions {
            if let Some(name) = condition.names().iter().find(|name| !self.names.contains_key(*name)) {
                return Err(format!("unknown name `{name}`"));
            }
        }
        let assignments = self.assignments();
        if assignments.is_empty() {
            return Err("the rule applies to no type".into());
        }
        for types in assignments {
            if !self.holds(&types, false) {
                let env = self.env(&types);
                return Err(format!("the result is not valid for types of these widths: {:?}", env.bits));
            }
        }
        Ok(())
    }
}
